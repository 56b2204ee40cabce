//! The page in a real browser. Skipped, with a word, where there is none. `DFOTA_HIL_SCREENSHOTS=FOLDER` keeps pictures of it.

use super::Live;
use crate::report::browser::Browser;
use serde_json::json;

const DESK: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);
const WALL: (u32, u32) = (2560, 1440);

/// A case, and a campaign with a claim.
const CAMPAIGN: &str = "limits: {boot: 10s, resume: 15s}
cases:
  - {name: plain, update: {package: a-to-b, via: uart}}
  - name: night
    update: {package: a-to-b, via: uart}
    sweep: {over: [start, \"updating 100%..end\"], cuts: 1, block: 4, kind: [power, reset]}
    claim: {brick_rate_below: 25%, confidence: 80%}
";

fn open(live: &Live, size: (u32, u32), script: bool) -> Option<Browser> {
    Browser::open_url(&live.url, size, script)
}

/// Keeps a picture where one is asked for.
fn keep(browser: &mut Browser, name: &str) {
    if let Some(folder) = std::env::var_os("DFOTA_HIL_SCREENSHOTS") {
        let file = std::path::Path::new(&folder).join(format!("{name}.png"));
        browser.screenshot(&file);
    }
}

#[test]
fn it_is_clicked_through_while_the_run_goes_on() {
    let live = Live::of_suite(CAMPAIGN, 100, "127.0.0.1:0", &[]);
    let Some(mut browser) = open(&live, DESK, true) else {
        return;
    };
    browser.wait("document.getElementById('link').textContent.includes('live')");
    browser.wait("document.querySelectorAll('ol.verdicts li').length >= 2");
    browser.wait("document.querySelector('article.tile').className.includes('running')");
    keep(&mut browser, "desk");
    browser.wait("/^\\d/.test(document.querySelector('[data-ms]').textContent)");
    browser.click("ol.verdicts li:last-child a");
    browser.wait("location.pathname === '/case/lab/plain' && !!document.querySelector('svg')");
    browser.wait("document.querySelectorAll('.transcript li').length > 20");
    keep(&mut browser, "case");
    browser.click(".kicker a");
    browser.wait("location.pathname === '/' && !!document.querySelector('article.tile')");
    browser.wait("document.getElementById('link').textContent.includes('The run is over')");
    keep(&mut browser, "ended");
    ended(live);
}

#[test]
fn it_fits_on_a_phone_and_on_a_wall() {
    let live = Live::of_suite(CAMPAIGN, 40, "127.0.0.1:0", &[]);
    for (name, size) in [("phone", PHONE), ("wall", WALL)] {
        let Some(mut browser) = open(&live, size, true) else {
            return;
        };
        browser.wait("document.querySelectorAll('ol.verdicts li').length >= 1");
        browser.wait("!!document.querySelector('article.tile .case')");
        assert_eq!(
            browser.value("document.documentElement.scrollWidth"),
            json!(size.0),
            "{name}"
        );
        keep(&mut browser, name);
        browser.dark();
        keep(&mut browser, &format!("{name}-dark"));
    }
    ended(live);
}

#[test]
fn it_works_without_its_script() {
    let live = Live::of_suite(CAMPAIGN, 100, "127.0.0.1:0", &[]);
    let Some(mut browser) = open(&live, DESK, false) else {
        return;
    };
    // Nobody touches it: it loads itself again.
    browser.wait("document.querySelectorAll('ol.verdicts li').length >= 1");
    browser.click("ol.verdicts li:last-child a");
    browser.wait("location.pathname.startsWith('/case/lab/')");
    ended(live);
}

/// Four rigs: each has its tile, batches wait and say why, and one click leads from a rig or a verdict to the case and its
/// transcript, and back.
#[test]
fn several_rigs_are_seen_together() {
    let more = ["--rig", "rig.yaml"].repeat(3);
    // It goes on until a browser was started three times.
    let live = Live::of_suite(CAMPAIGN, 30, "127.0.0.1:0", &more);
    for (name, size) in [("fleet-wall", WALL), ("fleet-desk", DESK), ("fleet-phone", PHONE)] {
        let Some(mut browser) = open(&live, size, true) else {
            return;
        };
        browser.wait("document.querySelectorAll('article.tile').length === 4");
        browser.wait("document.querySelectorAll('#queue li').length > 0");
        browser.wait("!!document.querySelector('article.tile .case a')");
        assert!(
            browser.value("document.documentElement.scrollWidth").as_u64() <= Some(size.0.into()),
            "{name}"
        );
        keep(&mut browser, name);
        if size == DESK {
            click_through(&mut browser);
        }
    }
    let json = live.json();
    assert_eq!(
        json["progress"]["rigs"].as_array().map(Vec::len),
        Some(4),
        "{json}"
    );
    assert!(
        json["progress"]["batches"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{json}"
    );
    let ran = live.run.end();
    // Three browsers beside four modules may make a cut late, which is no verdict on the page.
    assert!([Some(0), Some(3)].contains(&ran.code), "{ran:?}");
}

/// From a tile and from a verdict to a case and back; then the claim, by module.
fn click_through(browser: &mut Browser) {
    let tile = "document.querySelector('article.tile .case a')";
    // The link of a tile goes with its case.
    browser.wait(&format!(
        "(() => {{ {tile}?.click(); return location.pathname.startsWith('/case/lab/'); }})()"
    ));
    and_back(browser);
    browser.click("ol.verdicts li:last-child a");
    and_back(browser);
    browser.wait("document.querySelectorAll('#claim tbody tr').length > 0");
    a_pressed_button_holds_the_page(browser);
}

fn and_back(browser: &mut Browser) {
    browser.wait("location.pathname.startsWith('/case/lab/') && !!document.querySelector('.transcript li')");
    browser.wait("[...document.querySelectorAll('dt')].some(e => e.textContent === 'Rig')");
    browser.click(".kicker a");
    browser.wait("location.pathname === '/' && document.querySelectorAll('article.tile').length === 4");
    browser.wait("document.querySelectorAll('ol.verdicts li').length > 0");
}

/// A click begins and ends on the same link only if nothing replaces it in between.
fn a_pressed_button_holds_the_page(browser: &mut Browser) {
    browser.wait("document.getElementById('link').textContent.includes('live')");
    let now = "[...document.querySelectorAll('article.tile, #head, #verdicts')]";
    browser.value(&format!(
        "window.kept = {now}; window.since = performance.now(); dispatchEvent(new PointerEvent('pointerdown')); true"
    ));
    // Four times a second something changes in a run on four rigs.
    browser.wait("performance.now() - since > 1000");
    assert_eq!(
        browser.value("kept.every(e => e.isConnected)"),
        json!(true),
        "it was replaced"
    );
    browser.value("dispatchEvent(new PointerEvent('pointerup')); true");
    browser.wait("kept.some(e => !e.isConnected)");
}

/// A busy machine may let a cut of the campaign come too late.
fn ended(live: Live) {
    let code = live.run.end().code;
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
}
