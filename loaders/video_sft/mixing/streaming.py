def mixed_stream(named, options, lists):
    raise NotImplementedError
