"""Dino: a diffusion model the bare-bones way.

The lesson, in the order of the chapters: `noise`, `denoiser`, `training`, `sampling`; `data` and `drawing` make the
pictures. The school around it, with exercises and checks, is `dino.course`.
"""
