"""``python -m ser_lib demo``: a page in the browser to try a model, or to compare two."""

import functools
import os
import tempfile

from ser_lib.cli import number
from ser_lib.errors import AudioError, HparamsError, RunError
from ser_lib.use import demo_page
from ser_lib.use.batches import labels
from ser_lib.use.command import Parser, load_quietly, run
from ser_lib.use.demo_clip import ask, read_clip
from ser_lib.use.demo_style import STYLE

#: What may be sent to the page: an hour of 16-bit stereo at 48 kHz.
MAX_FILE_SIZE = "700mb"
#: Clips are looked for, and deleted where older, in s.
KEPT = 300
_EXAMPLES = """\
examples:
  python -m ser_lib demo runs/.../model
  python -m ser_lib demo runs/.../model me/my-model --min_confidence 0.6

The page needs gradio: pip install -e '.[demo]'. It asks nothing of any other machine, and clips
are deleted after a few minutes. With --share anybody who has the link can use it for a week.
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line).

    Returns
    -------
    int
        0 when the page was closed, 2 after an error that the person can mend (one line on
        stderr), 130 when interrupted.
    """
    return run(lambda: _main(argv))


def _main(argv):
    parser = Parser(
        "demo",
        description="Open a page on which a model hears clips, or two models the same clip.",
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "models", metavar="MODEL", nargs="+", help="one or two model or run folders, or Hub ids"
    )
    parser.add_argument(
        "--port", type=number(1, 65535, int), help="default: the first free one from 7860 up"
    )
    parser.add_argument(
        "--share", action="store_true", help="also make a public link, through gradio.live"
    )
    parser.add_argument(
        "--min_confidence",
        type=number(0, 1),
        default=0.5,
        help="below this probability an answer is called unsure (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    serve(options.models, options.min_confidence, options.port, options.share)


def serve(models, min_confidence=0.5, port=None, share=False, block=True):
    """Load models and show the page until it is closed.

    Arguments
    ---------
    models : list of str
        One or two model folders or Hub ids.
    min_confidence : float
        Below this probability an answer is called unsure.
    port : int, optional
        The first free one from 7860 up by default.
    share : bool
        Also make a public link, through gradio.live.
    block : bool
        Wait until Ctrl-C; or else return at once.

    Returns
    -------
    gradio.Blocks
        The page; ``local_url`` is its address and ``close()`` ends it.

    Raises
    ------
    HparamsError
        If gradio is not installed, there are more than two models, or ``min_confidence`` is no
        probability.
    ModelFolderError, HubError
        If a model cannot be loaded, or is no classifier.
    RunError
        If the port is taken.
    """
    gradio = _gradio()
    if not 1 <= len(models) <= 2:
        raise HparamsError(f"{len(models)} models were given; the page shows one or two")
    if not 0 <= min_confidence <= 1:
        raise HparamsError(f"min_confidence is {min_confidence}; give 0 to 1")
    loaded = {name: load_quietly(name) for name in dict.fromkeys(models)}
    for classify in loaded.values():
        labels(classify)
    os.environ.setdefault("GRADIO_TEMP_DIR", _private_folder().name)
    named = [(demo_page.name_of(name, loaded[name].model), loaded[name]) for name in models]
    shown = page(named, min_confidence)
    try:
        _, url, public = shown.launch(
            server_port=port,
            share=share,
            prevent_thread_lock=True,
            quiet=True,
            inbrowser=False,
            css=STYLE,
            theme=_theme(gradio),
            js=_ANNOUNCE,
            footer_links=[],
            # Gradio would keep the clips and answers in the browser.
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            max_file_size=MAX_FILE_SIZE,
        )
    except OSError as error:
        taken = f"port {port}" if port else "every port from 7860 to 7959"
        raise RunError(f"{taken} is taken here; choose another with --port") from error
    print(f"page: {url}" + (f"\npublic, for anybody who has it: {public}" if public else ""))
    if block:
        print("Ctrl-C ends it", flush=True)
        shown.block_thread()
    return shown


# Screen readers announce what changes in an element that was marked before it changed.
_ANNOUNCE = """() => { for (const id of ['clip', 'answers'])
  document.getElementById(id)?.setAttribute('aria-live', 'polite'); }"""


def page(models, min_confidence=0.5):
    """The page, not yet served.

    Arguments
    ---------
    models : list of (str, SERPipeline)
        One or two, with the names to show.
    min_confidence : float
        Below this probability an answer is called unsure.

    Returns
    -------
    gradio.Blocks
    """
    gradio = _gradio()
    told = [(name, demo_page.trained_on(classify.model)) for name, classify in models]

    def hear(path):
        return look(path, models, told, min_confidence)

    with gradio.Blocks(
        title=demo_page.TITLE, analytics_enabled=False, delete_cache=(KEPT, KEPT)
    ) as shown:
        gradio.HTML(demo_page.heading())
        with gradio.Row():
            with gradio.Column(min_width=300):
                sound = gradio.Audio(
                    label="Record a clip, or drop a sound file here",
                    sources=["upload", "microphone"],
                    type="filepath",
                    elem_id="sound",
                    buttons=[],
                )
                gradio.HTML(demo_page.privacy(KEPT))
                clip = gradio.HTML(elem_id="clip")
            with gradio.Column(min_width=300, scale=len(models)):
                answers = gradio.HTML(demo_page.cards(told), elem_id="answers")
        sound.change(hear, sound, [clip, answers], api_visibility="private")
    return shown


def look(path, models, told, min_confidence=0.5):
    """What the page shows for a clip: HTML of the clip and of the answers.

    Arguments
    ---------
    path : str or None
        Sound file; None where there is none (any more).
    models : list of (str, SERPipeline)
    told : list of (str, str)
        Name of each and what it was trained on.
    min_confidence : float

    Returns
    -------
    clip, answers : str
        What a person can mend is said in ``clip``; other errors are raised.
    """
    if path is None:
        return "", demo_page.cards(told)
    try:
        clip = read_clip(path)
        heard = [ask(classify, clip) for _, classify in models]
    except AudioError as error:
        return demo_page.trouble(str(error)), demo_page.cards(told)
    return demo_page.clip_view(clip), demo_page.cards(told, heard, min_confidence)


@functools.cache
def _private_folder():
    """Where clips wait for their answer: readable by nobody else, gone when the program ends."""
    return tempfile.TemporaryDirectory(prefix="ser-demo-")


def _theme(gradio):
    """Fonts that every machine has, and greys dark enough to be read."""
    grey = {"body_text_color_subdued": "*neutral_600", "block_label_text_color": "*neutral_700"}
    pale = {f"{key}_dark": "*neutral_300" for key in grey}
    return gradio.themes.Default(
        primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["monospace"]
    ).set(**grey, **pale)


def _gradio():
    try:
        import gradio
    except ImportError as error:
        raise HparamsError("the page needs gradio: pip install -e '.[demo]'") from error
    return gradio
