//! A sweep from the form: the button says how many runs it starts, and the page of the sweep follows them.

use crate::driver::Browser;
use crate::replay::with_data;

#[test]
fn a_sweep_is_started_from_the_form_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let browser = Browser::start();
    browser.open(&server.address("/runs/new"));
    browser.wait("eight inputs", "return document.querySelectorAll('#strip img.input').length === 8");
    browser.click("#group-sweep summary");
    browser.run(
        "sweep_method.value = 'grid'; sweep_field_1.value = 'learning_rate'; sweep_field_2.value = 'seed';
         sweep_field_1.dispatchEvent(new Event('input', { bubbles: true }))",
    );
    browser.retype("#sweep_values_1", "0.01, 0.1, 0.2");
    browser.retype("#sweep_values_2", "1");
    let line = "document.getElementById('summary-sweep').innerText";
    browser.wait("what is wrong", &format!("return {line}.includes('at least two values')"));
    browser.retype("#sweep_values_2", "1, 2");
    browser.wait("six runs", "return document.getElementById('start').innerText === 'Start 6 runs'");
    browser.retype("#epochs", "1");
    browser.click("#start");
    browser.wait("the sweep", "return document.querySelectorAll('table.sweep tbody tr').length === 6");
    browser.wait("its end", "return document.body.innerText.includes('6 of 6 runs ended.')");
    browser.wait("a line for each run", "return document.querySelectorAll('.parallel a').length === 6");
    browser.assert_no_errors("sweep");
    // A line has no middle that one could click.
    browser.run("document.querySelector('.parallel a.best path').dispatchEvent(new MouseEvent('click', { bubbles: true }))");
    browser.wait("the run", "return document.querySelector('.run-head') !== null");
}
