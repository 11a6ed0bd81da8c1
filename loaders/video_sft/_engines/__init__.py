"""Work on many items by processes of this machine or of a cluster: what crashes is one item's error, not the job's."""
