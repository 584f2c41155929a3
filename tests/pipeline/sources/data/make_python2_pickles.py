"""Makes python2_pickle.zip and python2_cpickle.zip beside itself. Needs Python 2.7 and a NumPy that it can import.

Two sequences that share nine frames; int8, as the course's text says. Even frames are gradients, odd ones of one
colour, so that the files stay small.
"""

import os
import pickle
import zipfile

import cPickle
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
WHEN = (2020, 1, 1, 0, 0, 0)


def main():
    shape = (11, 64, 64, 3)
    values = np.arange(np.prod(shape)).reshape(shape) // 7 % 256
    values[1::2] = 20 * np.arange(5).reshape(5, 1, 1, 1) + 100
    frames = values.astype(np.uint8).view(np.int8)
    positions = np.linspace(-1, 65, 11 * 7 * 2).reshape(11, 7, 2)
    index = np.array([np.arange(10), np.arange(1, 11)])
    for name, module, dtype in [("pickle", pickle, np.float32), ("cpickle", cPickle, np.float64)]:
        contents = module.dumps((frames[index], positions[index].astype(dtype)), 2)
        archive = zipfile.ZipFile(os.path.join(HERE, "python2_" + name + ".zip"), "w", zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("youtube_train_data.pkl", WHEN), contents, zipfile.ZIP_DEFLATED)
        archive.close()


if __name__ == "__main__":
    main()
