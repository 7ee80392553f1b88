"""The demo page's style sheet, for wide screens and phones, light and dark.

Gradio splits selectors at every comma to add its own, so none stands within ``:is()``.
"""

STYLE = """
.gradio-container { max-width: 1200px !important; margin: 0 auto; }
.ser { overflow-wrap: anywhere; }
.ser h1 { font-size: 1.6rem; margin: .2rem 0 .4rem; }
.ser h2 { font-size: 1.1rem; margin: 0 0 .2rem; }
.ser h3 { font-size: .95rem; margin: 1rem 0 .3rem; }
.ser p { margin: .3rem 0; }
.ser-quiet { color: var(--body-text-color-subdued); font-size: .9rem; }
.ser-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  gap: 1rem; }
.ser-card, .ser-line { border: 1px solid var(--border-color-primary); border-radius: 8px;
  padding: .8rem 1rem; }
.ser-line { border-left: 5px solid #0072B2; margin-bottom: 1rem !important; }
.ser-unsure, .ser-trouble { border-left: 5px solid #D55E00; padding-left: .6rem; }
.ser-verdict { font-size: 1.25rem; font-weight: 600; margin: .6rem 0 !important; }
.ser-bars { width: 100%; border-collapse: collapse; border: 0 !important; }
.ser-bars caption { text-align: left; }
.ser-bars th, .ser-bars td, .ser-bars tr { padding: .18rem 0 !important; border: 0 !important;
  font-weight: normal; text-align: left; }
.ser-bars .ser-best th, .ser-bars .ser-best td { font-weight: 700; }
.ser-bars tr th { white-space: nowrap; padding-right: .7rem !important; }
.ser-bars td.ser-track { width: 100%; }
.ser-bars td.ser-number { text-align: right; white-space: nowrap; min-width: 3.2rem; }
.ser-bar { background: #0072B2; height: .8rem; border-radius: 2px; min-width: 1px; }
#sound button[aria-label="Upload file"]::after { content: "Upload"; }
#sound button[aria-label="Record audio"]::after { content: "Record"; }
#sound button[aria-label="Upload file"], #sound button[aria-label="Record audio"] { display: flex;
  gap: .4rem; width: auto; height: 44px; align-items: center; padding: 0 .8rem; margin: 2px; }
#sound button[aria-label="Upload file"] svg, #sound button[aria-label="Record audio"] svg {
  width: 20px; height: 20px; }
#sound { contain: inline-size; }  /* or the player stretches the page by 20 pixels a second */
#sound span:has(> button[aria-label="Upload file"]) { height: auto; }
#sound button:not(.selected), #sound time { color: var(--body-text-color); }
button:focus-visible, summary:focus-visible { outline: 3px solid #D55E00; outline-offset: 1px; }
#answers .meta-text { display: none; }
.ser img { width: 100%; max-width: 720px; height: auto; background: white; border-radius: 4px; }
"""
