/*
 * What only a browser does: node tabs.js SCENARIO BASE TRANSPORT
 *
 *   tabs      two tabs of one browser, a session each
 *   reload    a page that is loaded again, and shakes hands again
 *   continue  a page that is loaded again with cometd's reload extension: the session goes on
 *   expire    a session that is lost: prints `expire CLIENT_ID` for the server to do it
 *
 * Prints lines of JSON, the last {"kind": "seen", ...} with what the scenario says.
 */
import {launch, openPage, print, servePage} from "./chromium.js";

const [, , scenario, base, transport] = process.argv;
const url = `${base}/cometd`;
const channel = `/chat/${scenario}`;
const browser = await launch();
const context = await browser.newContext();
const server = await servePage();
const setCookies = [];
context.on("response", async response => {
    const header = await response.headerValue("set-cookie");
    if (header !== null) {
        setCookies.push(header);
    }
});

const open = () => openPage(context, server.url, print);
const begin = (page, reload) =>
    page.evaluate(wish => window.openSession(wish), {url, transport, channel, reload});
const publish = (page, data) =>
    page.evaluate(([to, data]) => window.publishTo(to, data), [channel, data]);
const met = page => page.evaluate(() => window.met);
const heard = (page, count) =>
    page.waitForFunction(count => window.met.events.length >= count, count, {timeout: 10000});
const cookies = async () => (await context.cookies(base)).map(({name, value}) => `${name}=${value}`);

const scenarios = {
    tabs: async () => {
        const pages = [await open(), await open()];
        const clientIds = [];
        for (const page of pages) {
            clientIds.push(await begin(page));
        }
        for (const [n, page] of pages.entries()) {
            await publish(page, {from: n});
        }
        await Promise.all(pages.map(page => heard(page, 2)));
        const both = await Promise.all(pages.map(met));
        return {clientIds, events: both.map(one => one.events),
            advices: both.map(one => one.connects.map(reply => reply.advice).filter(Boolean))};
    },
    reload: async () => {
        const page = await open();
        const clientIds = [await begin(page)];
        await publish(page, {n: 1});
        await heard(page, 1);
        const before = (await met(page)).events;
        await page.reload();
        await page.waitForFunction(() => window.ready === true);
        clientIds.push(await begin(page));
        await publish(page, {n: 2});
        await heard(page, 1);
        return {clientIds, events: [before, (await met(page)).events]};
    },
    continue: async () => {
        const page = await open(), other = await open();
        const clientIds = [await begin(page, {name: "kept"})];
        await begin(other);
        await publish(other, {n: 1});
        await heard(page, 1);
        const before = (await met(page)).events;
        await page.evaluate(() => window.cometd.reload());
        await page.reload();
        await page.waitForFunction(() => window.ready === true);
        await publish(other, {n: 2});   // nobody polls for the page now
        clientIds.push(await begin(page, {name: "kept"}));
        await publish(other, {n: 3});
        await heard(page, 2);
        return {clientIds, events: [before, (await met(page)).events]};
    },
    expire: async () => {
        const page = await open();
        const first = await begin(page);
        print({kind: "expire", clientId: first});
        await page.waitForFunction(() => window.met.clientIds.length === 2, null, {timeout: 10000});
        // Subscribed again by the application's listener to handshakes.
        await publish(page, {n: 1});
        await heard(page, 1);
        const {clientIds, events} = await met(page);
        return {clientIds, events: [events]};
    },
};

try {
    const seen = await scenarios[scenario]();
    print({kind: "seen", ...seen, cookies: await cookies(), setCookies});
} catch (error) {
    print({kind: "broken", error: String(error)});
} finally {
    await browser.close();
    server.close();
}
process.exit(0);
