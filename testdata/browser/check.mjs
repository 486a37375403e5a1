// Opens a report of portannot review in a headless browser and says what is
// wrong with it, one line each; the exit status is 1 when something is.
//
//   node check.mjs REPORT.html [FOLDER FOR SCREENSHOTS]
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const url = pathToFileURL(resolve(process.argv[2])).href;
const shots = process.argv[3];
const problems = [];
const check = (ok, text) => { if (!ok) problems.push(text); };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// open gives a page whose complaints are collected.
async function open(options, name) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") problems.push(`${name}: console: ${m.text()}`); });
  page.on("pageerror", (e) => problems.push(`${name}: script: ${e.message}`));
  page.on("request", (r) => { if (r.url() !== url && !r.url().startsWith("data:")) problems.push(`${name}: request to ${r.url()}`); });
  await page.goto(url);
  return page;
}

const column = (page, table, n) => page.$$eval(`${table} tbody tr:not([hidden])`, (rows, n) => rows.map((r) => r.cells[n].dataset.sort ?? r.cells[n].textContent.trim()), n);

for (const [name, options] of Object.entries({
  "wide": { viewport: { width: 1280, height: 900 } },
  "wide dark": { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  "phone": { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  "phone dark": { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: "dark" },
})) {
  const page = await open(options, name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(over <= 0, `${name}: ${over} pixels wider than the window`);
  const cards = await page.evaluate(() => [...document.querySelectorAll(".card")].filter(c => c.scrollWidth > c.clientWidth).map(c => c.textContent.trim()));
  check(cards.length == 0, `${name}: text is wider than its card: ${cards}`);
  const found = await (async () => {
    // The page allows no script but its own: axe comes in by the debugger.
    await page.evaluate(axe);
    return page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  })();
  for (const v of found.violations) {
    if (v.impact === "serious" || v.impact === "critical") problems.push(`${name}: axe: ${v.id}: ${v.help}: ${v.nodes[0].html}`);
  }
  if (shots) {
    // Of a page that is longer than a picture can be, the beginning is enough.
    const long = await page.evaluate(() => document.documentElement.scrollHeight > 12000);
    const shoot = (file) => page.screenshot({ path: join(shots, file), fullPage: !long });
    await shoot(`${name.replace(" ", "-")}.png`);
    await page.$$eval("#t-findings details", (list) => { for (const d of list) d.open = true; });
    await shoot(`${name.replace(" ", "-")}-open.png`);
  }
  await page.context().close();
}

const page = await open({ viewport: { width: 1280, height: 900 } }, "use");
const rows = await page.$$eval("#t-services tbody tr", (r) => r.length);
if (rows > 1) {
  // Sorting by a number, both ways; the keyboard does it too.
  const flows = page.locator("#t-services thead th button", { hasText: /^Flows$/ });
  await flows.click();
  const up = (await column(page, "#t-services", 3)).map(Number);
  check(up.every((v, i) => i === 0 || up[i - 1] <= v), `sort by flows: ${up}`);
  await flows.focus();
  await page.keyboard.press("Enter");
  const down = (await column(page, "#t-services", 3)).map(Number);
  check(down.every((v, i) => i === 0 || down[i - 1] >= v), `sort by flows, again: ${down}`);
  check((await page.locator("#t-services th[aria-sort=descending]").count()) === 1, "aria-sort is not set");
  // Sorting by address puts .9 before .10.
  await page.locator("#t-services thead th button", { hasText: /^Service$/ }).click();
  const keys = await column(page, "#t-services", 0);
  const collator = new Intl.Collator("en", { numeric: true });
  check(keys.every((v, i) => i === 0 || collator.compare(keys[i - 1], v) <= 0), `sort by service: ${keys}`);
}
const findings = await page.$$eval("#t-findings tbody tr", (r) => r.map((x) => [x.dataset.level, x.innerText]));
if (findings.length > 1) {
  const shown = () => page.$$eval("#t-findings tbody tr:not([hidden])", (r) => r.length);
  const notes = findings.filter((f) => f[0] === "note").length;
  if (notes > 0) {
    const button = page.locator("button[data-level=note]");
    await button.click();
    check((await shown()) === findings.length - notes, `without notes ${await shown()} of ${findings.length} are shown`);
    check((await page.locator("#t-findings tbody tr[data-level=note]:visible").count()) === 0, "hidden rows are visible");
    await button.click();
  }
  const word = await page.$eval("#t-findings tbody td:nth-child(3) .mono", (e) => e.textContent);
  await page.fill(".tools[data-for=t-findings] input", word);
  const want = await page.$$eval("#t-findings tbody tr", (r, w) => r.filter((x) => w.split(" ").every((part) => x.textContent.toLowerCase().includes(part))).length, word.toLowerCase());
  check((await shown()) === want && want > 0 && want < findings.length, `search for ${word}: ${await shown()} shown, want ${want} of ${findings.length}`);
  await page.fill(".tools[data-for=t-findings] input", "");
  check((await shown()) === findings.length, "an empty search hides something");
  // The evidence opens by keyboard.
  await page.locator("#t-findings summary").first().focus();
  await page.keyboard.press("Enter");
  check(await page.locator("#t-findings details").first().evaluate((d) => d.open), "Enter does not open the evidence");
  check(await page.locator("#t-findings dl").first().isVisible(), "the evidence is not visible");
  await page.emulateMedia({ media: "print" });
  check(!(await page.locator("nav").isVisible()), "the navigation is printed");
  // Chromium repeats no head on each page that has controls in it.
  const controls = await page.$$eval("thead button", (list) => list.filter((b) => getComputedStyle(b).display !== "contents").length);
  check(controls === 0, `${controls} controls are printed in the heads of tables`);
  if (shots) await page.pdf({ path: join(shots, "print.pdf"), preferCSSPageSize: true });
}
await page.context().close();

// Without scripts all is there.
const plain = await open({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false }, "no script");
check((await plain.locator("#t-findings tbody tr").count()) === findings.length, "without scripts findings are missing");
check((await plain.locator(".tools:visible").count()) === 0, "without scripts there are tools that do nothing");
check((await plain.locator("h1:visible").count()) === 1, "without scripts there is no heading");
await plain.context().close();

await browser.close();
for (const p of problems) console.log(p);
process.exit(problems.length ? 1 : 0);
