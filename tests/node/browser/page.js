/*
 * The client in the page: npm's `cometd` as a browser runs it, and `fetch` with credentials.
 *
 * The browser keeps the cookies; no script sees them.
 */
import {CometD} from "/cometd/cometd.js";
import {AckExtension} from "/cometd/AckExtension.js";
import {ReloadExtension} from "/cometd/ReloadExtension.js";

/** What a plan's `rest` steps are done with. */
class Visitor {
    constructor(plan) {
        this.plan = plan;
        this.headers = {};
        if (plan.user !== undefined) {
            this.headers.Authorization = "Basic " + btoa(`${plan.user}:${plan.password ?? ""}`);
        }
    }

    async request(method, target, json, headers) {
        const body = json === undefined ? undefined : JSON.stringify(json);
        const type = body === undefined ? {} : {"Content-Type": "application/json"};
        const answer = await fetch(new URL(target, this.plan.base), {
            method, body, credentials: "include",
            headers: {Accept: "application/json", ...this.headers, ...type, ...headers},
        });
        const name = answer.headers.get("X-CSRF-HEADER");
        if (name) {
            this.headers[name] = answer.headers.get(name);
        }
        const text = await answer.text();
        let parsed = null;
        try {
            parsed = JSON.parse(text);
        } catch (x) {
            // Not everything is JSON.
        }
        return {status: answer.status, headers: Object.fromEntries(answer.headers), text, json: parsed};
    }
}

/** A client that has not begun. */
window.newClient = ({ack = false, reload} = {}) => {
    const cometd = new CometD();
    if (ack) {
        cometd.registerExtension("ack", new AckExtension());
    }
    if (reload) {
        cometd.registerExtension("reload", new ReloadExtension(reload));
    }
    return cometd;
};

/** What the page's own session has met: for what a plan cannot say, see tabs.js. */
window.met = {events: [], clientIds: [], connects: []};

/** Begins the page's own session: open once it is subscribed and its first connect is answered. */
window.openSession = ({url, transport, channel, reload}) => new Promise((done, fail) => {
    const cometd = window.cometd = window.newClient({reload});
    const {events, clientIds, connects} = window.met;
    let left = 2;
    const look = reply => {
        if (reply.successful && --left === 0) {
            done(cometd.getClientId());
        } else if (!reply.successful && reply.advice?.reconnect === "none") {
            fail(new Error(JSON.stringify(reply)));
        }
    };
    cometd.addListener("/meta/handshake", reply => {
        if (reply.successful) {
            clientIds.push(reply.clientId);
            cometd.subscribe(channel, message => void events.push(message.data), look);
        }
    });
    cometd.addListener("/meta/connect", reply => {
        connects.push(reply);
        if (left > 0) {
            look(reply);
        }
    });
    cometd.getTransportTypes().filter(type => type !== transport).forEach(
        type => cometd.unregisterTransport(type));
    cometd.configure({url, logLevel: "error"});
    cometd.handshake();
});

/** Publishes; the reply. */
window.publishTo = (channel, data) => new Promise(done => window.cometd.publish(channel, data, done));

/** Carries out a plan; `clock_s` is the time at which this page's own began. */
window.carryOutPlan = (plan, clock_s) => new Promise(done => {
    window.exports.carryOut(plan, new Visitor(plan), window.newClient(plan), {
        now: () => clock_s + performance.now() / 1000,
        print: window.printLine,
        exit: done,
    });
});

window.ready = true;
