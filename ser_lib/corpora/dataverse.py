"""A corpus of single files from a Dataverse, each resumed where it broke off and checked by MD5."""

import http.client
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

from ser_lib.corpora import download as downloading
from ser_lib.errors import CorpusError

_AT_ONCE = 4
_TIMEOUT_S = 30


def fetch_files(target_folder, api_url, doi, wanted, count, name, progress=True):
    """Fetch the files of a dataset, a few at once, into a new folder.

    Arguments
    ---------
    target_folder : str or os.PathLike
        Will hold the files. A finished earlier download is left as it is.
    api_url : str
        The Dataverse's API, as ``https://borealisdata.ca/api``.
    doi : str
        Of the dataset, without ``https://doi.org/``.
    wanted : callable
        From a file's label (str) to whether it is fetched.
    count : int
        How many of the files are wanted; another number in the list is an error.
    name : str
        Of the corpus, for the bar.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        If the network, the server, the disk or a checksum says no, or the folder holds something
        else; what has arrived is kept for the next try.

    Source: the Dataverse project's guide to its native and data access API
    (https://guides.dataverse.org/en/latest/api/).
    """
    folder = Path(target_folder)
    half = folder.with_name(f".{folder.name}.part")
    try:
        half.mkdir(parents=True, exist_ok=True)
        # Ranks of one job start together; one fetches, the others wait and find it done.
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if (folder / downloading.MARKER).is_file():
                return folder
            if folder.exists() and any(folder.iterdir()):
                raise CorpusError(
                    f"{folder} holds files but no finished download; move it away, or give it "
                    "with --data_folder if it is the corpus"
                )
            listed = _listed(api_url, doi, wanted, count)
            _fetch_all(half, api_url, listed, name, progress)
            (half / downloading.MARKER).touch()
            if folder.exists():
                folder.rmdir()
            half.rename(folder)
    except OSError as error:
        raise CorpusError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}; "
            "set SER_CACHE to a folder with room"
        ) from error
    return folder


def _listed(api_url, doi, wanted, count):
    """Number, size in bytes and MD5 of each wanted file, by its name."""
    url = f"{api_url}/datasets/:persistentId/?persistentId=doi:{doi}"
    page = f"https://doi.org/{doi}"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            files = json.load(response)["data"]["latestVersion"]["files"]
        found = {file["label"]: file["dataFile"] for file in files}
        files = {
            name: (int(file["id"]), int(file["filesize"]), str(file["md5"]))
            for name, file in found.items()
            if wanted(name)
        }
    except (
        *(OSError, http.client.HTTPException),
        *(ValueError, LookupError, TypeError, AttributeError),
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise downloading.DownloadError(f"{page}: no list of its files ({reason})") from error
    if len(files) != count:
        raise downloading.DownloadError(
            f"{page}: {url} lists {len(files)} clips instead of {count}"
        )
    return files


def _fetch_all(folder, api_url, files, name, progress):
    """Fetch every listed file that is not there yet."""
    with (
        ThreadPoolExecutor(_AT_ONCE) as pool,
        tqdm(total=len(files), desc=name, unit="clip", disable=not progress) as bar,
    ):
        jobs = [
            pool.submit(
                downloading.fetch,
                f"{api_url}/access/datafile/{number}",
                folder / label,
                size,
                md5,
                progress=False,
            )
            for label, (number, size, md5) in files.items()
        ]
        try:
            for job in jobs:
                job.result()
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
