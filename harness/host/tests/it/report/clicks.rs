//! The page in a real browser. Skipped, with a word, where there is none.

use super::browser::Browser;
use super::{folder, records};
use dfota_core::event::Event;
use dfota_record::report::{Run, html};
use serde_json::json;

const DESK: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (390, 844);

fn open(size: (u32, u32), script: bool) -> Option<Browser> {
    Browser::open(&folder().join("report.html"), size, script)
}

/// Whether an element can be seen without scrolling.
fn in_sight(selector: &str) -> String {
    format!(
        "(() => {{ const r = document.querySelector({selector:?}).getBoundingClientRect(); \
         return r.height > 0 && r.bottom > 0 && r.top < innerHeight; }})()"
    )
}

#[test]
fn the_list_is_filtered_while_one_types() {
    let Some(mut browser) = open(DESK, true) else {
        return;
    };
    assert_eq!(
        browser.value("document.querySelector('form.filter').hidden"),
        json!(false)
    );
    let shown = "document.querySelectorAll('#cases tbody tr:not([hidden])').length";
    assert_eq!(browser.value(shown), json!(2));
    browser.click("#filter");
    browser.write("Forced no-resume");
    browser.wait(&format!("{shown} === 1"));
    assert_eq!(
        browser.value("document.getElementById('filtered').textContent"),
        json!(" 1 shown")
    );
    browser.write(" nothing of the kind");
    browser.wait(&format!("{shown} === 0"));
}

#[test]
fn a_cell_of_the_map_leads_to_its_cases() {
    let Some(mut browser) = open(DESK, true) else {
        return;
    };
    browser.value("document.querySelectorAll('#cases details').forEach((group) => { group.open = false; })");
    browser.click("table.map td.fail a");
    browser.wait(&in_sight("#at-uart-power-u5 tbody tr"));
    assert_eq!(browser.value("location.hash"), json!("#at-uart-power-u5"));
}

#[test]
fn the_cut_of_a_timeline_leads_to_its_line() {
    let Some(mut browser) = open(DESK, true) else {
        return;
    };
    browser.value("document.documentElement.style.scrollBehavior = 'auto'");
    let cut = "#timelines article:first-of-type svg a:last-of-type rect";
    browser.click(cut);
    browser.wait(&in_sight(".transcript li.cut"));
    assert_eq!(
        browser.value("document.querySelector('.transcript li.cut').matches(':target')"),
        json!(true)
    );
}

#[test]
fn pictures_are_enlarged_and_closed_again() {
    let Some(mut browser) = open(DESK, true) else {
        return;
    };
    browser.click("button.zoom");
    browser.wait("!!document.querySelector('.picture.large')");
    browser.click("button.zoom");
    browser.wait("!document.querySelector('.picture.large')");
}

#[test]
fn a_picture_is_enlarged_and_closed_by_keyboard() {
    let Some(mut browser) = open(DESK, true) else {
        return;
    };
    browser.value("document.querySelector('button.zoom').focus()");
    browser.press("Enter", "\r");
    browser.wait("!!document.querySelector('.picture.large')");
    browser.press("Escape", "");
    browser.wait("!document.querySelector('.picture.large')");
}

#[test]
fn it_works_without_its_script() {
    let Some(mut browser) = open(DESK, false) else {
        return;
    };
    assert_eq!(
        browser.value("document.querySelector('form.filter').hidden"),
        json!(true)
    );
    let details = "#timelines article:first-of-type details.lines";
    browser.click(&format!("{details} summary"));
    browser.wait(&format!("document.querySelector({details:?}).open"));
    browser.value("document.querySelectorAll('#cases details').forEach((group) => { group.open = false; })");
    browser.click("table.map td.fail a");
    browser.wait(&in_sight("#at-uart-power-u5 tbody tr"));
}

#[test]
fn it_fits_on_a_phone_and_fetches_nothing() {
    let Some(mut browser) = open(PHONE, true) else {
        return;
    };
    assert_eq!(browser.value("innerWidth"), json!(390));
    assert_eq!(browser.value("document.documentElement.scrollWidth"), json!(390));
    let reached =
        "[...document.querySelectorAll('nav a')].every((a) => a.getBoundingClientRect().right <= innerWidth)";
    assert_eq!(
        browser.value(reached),
        json!(true),
        "every part is led to without scrolling aside"
    );
    assert_eq!(
        browser.value("performance.getEntriesByType('resource').length"),
        json!(0)
    );
}

/// Nothing that is folded away is wider than the phone, whatever a client says.
#[test]
fn it_fits_on_a_phone_with_everything_unfolded() {
    let mut records = records();
    let said = |record: &&mut dfota_core::event::Record| matches!(&record.event, Event::Rx { text, .. } if text == "RDY");
    for record in records.iter_mut().filter(said) {
        record.event = Event::Lwm2m {
            fact: None,
            text: format!("update </{}>", "5/0/3,".repeat(20)),
        };
    }
    let file = tempfile::Builder::new()
        .suffix(".html")
        .tempfile()
        .expect("a file");
    let page = html::write(&Run::new(&records).expect("a run"));
    std::fs::write(file.path(), page).expect("a page");
    let Some(mut browser) = Browser::open(file.path(), PHONE, true) else {
        return;
    };
    browser.value("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })");
    assert_eq!(browser.value("document.documentElement.scrollWidth"), json!(390));
}
