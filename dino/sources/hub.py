"""Data sets on the Hugging Face hub."""

from contextlib import suppress

import datasets
import huggingface_hub

from dino.sources.common import Opened, one_sentence
from dino.sources.folders import among


def open_hub(name: str, split: str, stream: bool) -> tuple[Opened, str | list[str] | None]:
    """Open a data set on the Hugging Face hub; gives also the licence on its page.

    Says at once if it is not there, where `datasets` tries for long.
    """
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise FileNotFoundError(f"There is no folder {name}. (A data set on the hub is called owner/name.)")
    if datasets.config.HF_HUB_OFFLINE:
        # What was fetched earlier is still here.
        with suppress(Exception), one_sentence(name):
            return datasets.load_dataset(name, split=split), None
        raise ConnectionError(
            f"{name} is no folder here, and the Hugging Face hub is not asked because HF_HUB_OFFLINE is set. "
            "Unset it, or name a folder."
        )
    try:
        card = huggingface_hub.HfApi().dataset_info(name, timeout=10).card_data or {}
    except huggingface_hub.errors.GatedRepoError as error:
        raise ConnectionError(
            f"{name} is open to those alone who were let in. Ask on its page, then `hf auth login`."
        ) from error
    except huggingface_hub.errors.RepositoryNotFoundError as error:
        raise FileNotFoundError(f"{name} is neither a folder here nor a data set that the hub knows.") from error
    except Exception as error:
        raise ConnectionError(
            f"{name} is no folder here, and the Hugging Face hub cannot be reached to look it up there. "
            "Check the spelling, or the network."
        ) from error
    with one_sentence(name):
        splits = dict.fromkeys(datasets.get_dataset_split_names(name))
    among(splits, split, name)
    with one_sentence(name):
        return datasets.load_dataset(name, split=split, streaming=stream), card.get("license")
