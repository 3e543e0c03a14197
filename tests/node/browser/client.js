/*
 * npm's `cometd` in a page of Chromium carries out a plan: node client.js PLAN, see ../plan.cjs.
 */
import {launch, now, openPage, print, servePage} from "./chromium.js";

const plan = JSON.parse(process.argv[2]);
const browser = await launch(plan.proxy);
const server = await servePage(plan.site);
let code = 3;
try {
    const har = plan.har === undefined ? {} : {recordHar: {path: plan.har, content: "embed"}};
    const context = await browser.newContext(har);
    const page = await openPage(context, server.url, print);
    const clock_s = now() - await page.evaluate(() => performance.now()) / 1000;
    code = await page.evaluate(([plan, clock_s]) => window.carryOutPlan(plan, clock_s), [plan, clock_s]);
    await context.close();  // only now is the HAR written
} catch (error) {
    print({kind: "broken", error: String(error)});
} finally {
    await browser.close();
    server.close();
}
process.exit(code);
