"""Annotation files as streams of rows: JSON arrays, JSON lines, CSV, Parquet, and small JSON objects."""

from video_sft._annotations.csv_files import csv_header, csv_rows
from video_sft._annotations.json_files import json_object, json_rows
from video_sft._annotations.parquet_files import is_parquet, parquet_columns, parquet_rows
from video_sft._annotations.problems import BAD_ROW_POLICIES, BadRowPolicy, Problems
from video_sft._annotations.source_row import SourceRow, whole_number

__all__ = [
    "BAD_ROW_POLICIES",
    "BadRowPolicy",
    "Problems",
    "SourceRow",
    "csv_header",
    "csv_rows",
    "is_parquet",
    "json_object",
    "json_rows",
    "parquet_columns",
    "parquet_rows",
    "whole_number",
]
