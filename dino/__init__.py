"""Dino: a diffusion model the bare-bones way.

The lesson, in the order of the chapters: `noise`, `denoiser`, `training`, `sampling`, `evaluation`, `data`, `editing`,
`conditioning`, `equivalence`. Beside it, `drawing` and `pen` make the pictures, and `captions` says in words what is on them;
`sources` opens pictures of your own, and `letters` draws an album to practise on; `saving` keeps what was learnt, and
`recogniser` judges. The school around it, with exercises and checks, is `dino.course`.

The recipe is *Dino Diffusion* by Ollin Boer Bohan (https://github.com/madebyollin/dino-diffusion, MIT), with our thanks;
docs/origin.md tells what is different here, and why.
"""
