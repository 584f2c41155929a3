"""From a file on disk to a batch in the graph; knows nothing of the network.

What other packages and programs use:

* `store.reader.SequenceStore`, `store.joined_store.open_stores`: open one file, or several as one
* `store.writer.StoreWriter`: writes a file; `sources.pickle_conversion.convert_pickle` converts one
* `inspection.inspect_store`: describes a file and warns of implausible data
* `split.split_sequences`, `split.split_data_sets`: training and validation sequences
* `batch_order.BatchOrder`, `batch_order.steps_per_epoch`: which sequences are trained on, in which order
* `dataset.make_dataset`: the `tf.data` data set of batches of poses
* `dataset.stream_batches`, `sample_source.SampleShape`, `sample_source.SampleSource`: the same for any other data
* `augmentation.augment.augment`, `normalization.normalize_frames`: ops on batches
* `mean_pose.mean_pose`, `store.frame_sharing.count_sharing_frames`: the baseline, and what a split shares
* `tensorflow_v1.tf`: TensorFlow in graph mode

docs/PIPELINE.md explains the stages.
"""
