/*
 * The system's Chromium, headless, and the server of the page it opens.
 *
 * The page comes from a port of its own, so to whatever is tested it is another origin. From
 * 127.0.0.1 it is of the same site, and cookies travel; `localhost` is another site, where a
 * browser neither keeps nor sends them.
 */
import {createServer} from "node:http";
import {readFile} from "node:fs/promises";
import {execFileSync} from "node:child_process";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {chromium} from "playwright-core";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const HTML = `<!doctype html><meta charset="utf-8"><title>a client</title>
<script>var exports = {};</script><script src="/plan.cjs"></script>
<script type="module" src="/page.js"></script>`;
const FLAGS = [
    "--headless",
    "--no-sandbox",                     // tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  // nothing here shall reach beyond this machine
    "--disable-component-update",
    "--disable-sync",
];

/**
 * A Chromium with an empty profile; close() it.
 *
 * With a proxy, {url, pin}, all but what is on this machine goes through it; `pin` names the
 * authority it shows, as `cometape ca` tells it.
 */
export async function launch(proxy) {
    const executablePath = process.env.CHROMIUM
        ?? execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser"],
            {encoding: "utf8"}).trim();
    const flags = proxy === undefined ? [] : [
        `--proxy-server=${proxy.url}`,
        `--ignore-certificate-errors-spki-list=${proxy.pin}`,
    ];
    return chromium.launch({executablePath, args: [...FLAGS, ...flags]});
}

/** The page's own server: {url, close}. */
export async function servePage(host = "127.0.0.1") {
    const files = {"/plan.cjs": path.join(HERE, "..", "plan.cjs"), "/page.js": path.join(HERE, "page.js")};
    const server = createServer(async (request, response) => {
        const wanted = new URL(request.url, "http://page").pathname;
        const type = wanted === "/" ? "text/html" : "text/javascript";
        const file = files[wanted] ?? (/^\/cometd\/\w+\.js$/.test(wanted)
            ? path.join(HERE, "node_modules", wanted) : undefined);
        if (wanted !== "/" && file === undefined) {
            response.writeHead(404).end();
            return;
        }
        const content = wanted === "/" ? HTML : await readFile(file);
        response.writeHead(200, {"Content-Type": `${type};charset=UTF-8`}).end(content);
    });
    await new Promise(done => server.listen(0, host, done));
    return {url: `http://${host}:${server.address().port}/`, close: () => server.close()};
}

/** A page that has loaded `page.js`; what it prints goes to `print`. */
export async function openPage(context, url, print) {
    const page = await context.newPage();
    page.on("pageerror", error => print({kind: "broken", error: String(error)}));
    await page.exposeFunction("printLine", print);
    await page.goto(url);
    await page.waitForFunction(() => window.ready === true);
    return page;
}

/** What this process prints, one JSON object a line. */
export const print = line => void process.stdout.write(JSON.stringify(line) + "\n");

/** Seconds of CLOCK_MONOTONIC. */
export const now = () => Number(process.hrtime.bigint()) / 1e9;
