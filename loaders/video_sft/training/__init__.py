"""Training on mixtures: batches for `transformers.Trainer` and `trl.SFTTrainer`, with the right times and labels.

Needs `pip install 'video-sft[torch]'`, and `transformers` for the processor.
"""

from video_sft.training._collator import Collator
from video_sft.training._stamps import video_metadata
from video_sft.training._trainer import trainer_arguments

__all__ = ["Collator", "trainer_arguments", "video_metadata"]
