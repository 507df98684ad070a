-- In Typst, a div of a class is a call of `frame`, with the class as its kind; in EPUB, it stays a div.
function Div(div)
  local kind = div.classes[1]
  if FORMAT ~= "typst" or not kind then return nil end
  local blocks = pandoc.Blocks { pandoc.RawBlock("typst", '#frame("' .. kind .. '")[') }
  blocks:extend(div.content)
  blocks:insert(pandoc.RawBlock("typst", "]"))
  return blocks
end
