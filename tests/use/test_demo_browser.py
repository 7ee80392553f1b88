"""The demo page in a real browser: a clip in, probabilities out, keys, a phone, no other machine.

With ``SER_SCREENSHOTS`` set to a folder, pictures of the page are left there to look at.
"""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
import soundfile

from ser_lib.use import demo

PATIENCE = 60


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A short and a long clip of made-up voices."""
    import numpy as np

    from ser_lib.corpora import sample

    folder = tmp_path_factory.mktemp("clips")
    voices = [sample.voice(style, seconds=3.0)[0] for style in ("calm", "angry", "sad", "happy")]
    soundfile.write(folder / "short.wav", voices[0], 48000)
    soundfile.write(folder / "long.wav", np.concatenate(voices), 48000)
    (folder / "picture.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    return folder


@pytest.fixture(scope="module")
def address(model_folder):
    pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[demo]'")
    shown = demo.serve([model_folder, model_folder], min_confidence=0.3, block=False)
    yield shown.local_url
    shown.close()


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium and chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    service = webdriver.chrome.service.Service(driver)
    with webdriver.Chrome(options=options, service=service) as running:
        yield running


@pytest.fixture
def visit(browser, address):
    """Function that opens the page at a width in pixels and waits until it stands."""

    def go(width, height=900):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        browser.get(address)
        until(lambda: find(browser, "#sound input[type=file]"))
        return browser

    return go


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def words(browser, part):
    return " ".join(element.text for element in find(browser, f"#{part}"))


def until(condition):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "the page did not get there"
        time.sleep(0.1)
    return found


def drop(browser, path):
    find(browser, "#sound input[type=file]")[0].send_keys(str(path))


def picture(browser, name):
    if "SER_SCREENSHOTS" not in os.environ:
        return
    script = "return [innerWidth, document.documentElement.scrollHeight]"
    width, height = browser.execute_script(script)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    time.sleep(1)
    browser.save_screenshot(str(Path(os.environ["SER_SCREENSHOTS"]) / f"{name}.png"))


def test_a_clip_is_heard_and_no_other_machine_is_asked(visit, clips, address):
    page = visit(1280)
    drop(page, clips / "short.wav")
    until(lambda: "short.wav: 3.0 s, 48 kHz." in words(page, "clip"))
    until(lambda: "%" in words(page, "answers"))
    rows = [row.text for row in find(page, "#answers tr")]
    assert len(rows) == 6
    assert sum(int(row.split()[-2]) for row in rows[:3]) in (99, 100, 101)
    assert "Both" in words(page, "answers")
    assert "Trained on RAVDESS-synthetic" in words(page, "answers")
    assert all(image.get_attribute("alt") for image in find(page, ".ser img"))
    assert find(page, "#answers")[0].get_attribute("aria-live") == "polite"
    picture(page, "desktop")
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    asked = [params["request"]["url"] for params in asked]
    assert any(url.startswith(address) for url in asked)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_a_phone_needs_no_sideways_scrolling(visit, clips):
    page = visit(400, 800)
    drop(page, clips / "long.wav")
    until(lambda: "Emotion over time" in words(page, "answers"))
    script = "return [document.documentElement.scrollWidth, innerWidth]"
    until(lambda: len(find(page, "#answers img")) == 2)
    time.sleep(1)
    width, room = page.execute_script(script)
    assert room == 400
    assert width <= room
    for name in ("Upload file", "Record audio"):
        assert find(page, f"#sound button[aria-label='{name}']")[0].size["height"] >= 40
    picture(page, "phone")


def test_the_keyboard_alone_reaches_everything(visit, clips):
    from selenium.webdriver.common.keys import Keys

    page = visit(1280)
    reached = []
    for _ in range(6):
        page.switch_to.active_element.send_keys(Keys.TAB)
        focused = page.switch_to.active_element
        reached.append(focused.get_attribute("aria-label"))
        if reached[-1] == "Record audio":
            break
    assert any("upload" in (name or "").lower() for name in reached)
    assert reached[-1] == "Record audio"
    page.switch_to.active_element.send_keys(Keys.ENTER)

    def button(name):
        shown = [b for b in find(page, "#sound button") if b.is_displayed()]
        return next((b for b in shown if b.text.strip() == name), None)

    until(lambda: button("Record")).send_keys(Keys.ENTER)
    until(lambda: button("Stop"))
    time.sleep(1.5)
    button("Stop").send_keys(Keys.ENTER)
    # The browser's made-up microphone beeps once a second.
    until(lambda: "kHz" in words(page, "clip"))
    until(lambda: "%" in words(page, "answers"))


def test_a_picture_gets_a_clear_line(visit, clips):
    page = visit(1280)
    drop(page, clips / "picture.wav")
    until(lambda: "picture.wav is not a sound file" in words(page, "clip"))
    assert "%" not in words(page, "answers")
