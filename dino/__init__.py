"""Dino: a diffusion model the bare-bones way.

The lesson, in the order of the chapters: `noise`, `denoiser`, `training`, `sampling`, `evaluation`. Beside it, `data`,
`drawing` and `pen` make the pictures, `saving` keeps what was learnt, and `recogniser` judges. The school around it, with
exercises and checks, is `dino.course`.
"""
