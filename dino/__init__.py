"""Dino: a diffusion model the bare-bones way.

The lesson, in the order of the chapters: `noise`, `denoiser`, `training`, `sampling`, `evaluation`. Beside it, `data`,
`drawing` and `pen` make the pictures, `saving` keeps what was learnt, and `recogniser` judges. The school around it, with
exercises and checks, is `dino.course`.

The recipe is *Dino Diffusion* by Ollin Boer Bohan (https://github.com/madebyollin/dino-diffusion, MIT), with our thanks;
docs/origin.md tells what is different here, and why.
"""
