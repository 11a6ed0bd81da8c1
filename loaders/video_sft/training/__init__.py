"""Training on mixtures: batches for `transformers.Trainer` and `trl.SFTTrainer`, with the right times and labels.

Needs `pip install 'video-sft[torch]'`, and `transformers` for the processor.
"""

try:
    import torch as _  # noqa: F401
except ImportError as error:
    raise ImportError("video_sft.training needs torch: pip install 'video-sft[torch]'") from error

from video_sft._probing.lengths import lengths
from video_sft.training._collator import Collator
from video_sft.training._place import MixturePlace
from video_sft.training._stamps import video_metadata
from video_sft.training._tiny import tiny_model
from video_sft.training._trainer import trainer_arguments

__all__ = ["Collator", "MixturePlace", "lengths", "tiny_model", "trainer_arguments", "video_metadata"]
