/*
 * Carries out a plan with a CometD client and prints one JSON object per line of what it saw.
 *
 * A plan:
 *   {"base": "http://localhost:8090", "path": "/api/v2/notifications",
 *    "user": "agent7", "password": "...",            Basic authentication; without: none
 *    "transport": "long-polling" | "websocket" | "callback-polling",
 *    "ack": false,                                   the acknowledgement extension
 *    "cookies": true,                                false: every Set-Cookie is ignored
 *    "pause_s": 0,                                   between two steps: a slow client
 *    "limit_s": 30,                                  the whole plan
 *    "steps": [
 *      {"do": "rest", "name": "pull", "method": "POST", "target": "/api/v2/...", "json": {...}},
 *      {"do": "open", "channels": ["/v2/me/*"]},     handshake, subscribe (again after each)
 *      {"do": "handshake", "name": "refused", "fields": {...}},   alone, however it ends
 *      {"do": "subscribe" | "unsubscribe", "channel": "..."},   with a "name": however it ends
 *      {"do": "wait", "name": "pulled", "channel": "...", "where": {"workitem.state": "Processing",
 *                     "referenceId": {"$of": ["pull", "referenceId"]}}, "limit_s": 5},
 *      {"do": "publish", "name": "say", "channel": "...", "data": {...}},
 *      {"do": "sleep", "seconds": 0.2},
 *      {"do": "disconnect"}]}
 * {"$of": [step, field, ...]} anywhere stands for a field of what that step brought, and
 * {"$text": [part, ...]} for the parts as one text.
 * A wait also looks at events that came before it; each event satisfies one wait only.
 *
 * Lines: {"kind": "answer" | "event" | "meta" | "open" | "published" | "replied" | "waited" | "timeout"
 *         | "end" | "broken", "at_s": CLOCK_MONOTONIC, ...}; an answer also says `sent_s`, `open` over which
 *         `transport` the session is.
 */
'use strict';

/**
 * Carries out the plan with a `CometD` object of whichever version.
 *
 * `host` is where it runs: `now()` its clock in seconds, `print(line)`, `exit(code)`; nothing else
 * of Node is used, so that a page can do it too.
 */
exports.carryOut = async (plan, visitor, cometd, {now, print, exit}) => {
    const see = (kind, fields) => print({kind, at_s: now(), ...fields});
    const sleep = seconds => new Promise(done => setTimeout(done, seconds * 1000));
    const brought = {};         // by the name of the step: the JSON it brought
    const events = [];          // {channel, data, taken}
    const channels = [];        // subscribed again after every handshake
    const waiting = [];         // called when an event arrives
    const limit = setTimeout(() => {
        see('broken', {error: `the plan took longer than ${plan.limit_s ?? 30} s`});
        exit(3);
    }, (plan.limit_s ?? 30) * 1000);

    const filled = value => {
        if (Array.isArray(value)) {
            return value.map(filled);
        }
        if (value === null || typeof value !== 'object') {
            return value;
        }
        if (Array.isArray(value.$text)) {
            return value.$text.map(filled).join('');
        }
        if (Array.isArray(value.$of)) {
            const [step, ...fields] = value.$of;
            return fields.reduce((found, field) => found?.[field], brought[step]);
        }
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item)]));
    };

    const matches = (event, step) => {
        if (event.taken || (step.channel && step.channel !== event.channel)) {
            return false;
        }
        return Object.entries(filled(step.where ?? {})).every(([path, wanted]) =>
            path.split('.').reduce((found, key) => found?.[key], event.data) === wanted);
    };

    cometd.registerExtension('see', {
        incoming: message => {
            if (message.channel.startsWith('/meta/')) {
                if (message.channel !== '/meta/connect' || message.successful !== true) {
                    see('meta', {message});
                }
            } else if (message.data !== undefined) {
                const seen = {channel: message.channel, data: message.data, at_s: now()};
                events.push({...seen, taken: false});
                print({kind: 'event', ...seen, message});
                waiting.slice().forEach(look => look());
            }
            return message;
        },
    });

    const nothing = () => {};
    const handles = {};
    const subscribe = channel => new Promise((done, fail) => {
        handles[channel] = cometd.subscribe(channel, nothing, reply => reply.successful ? done() : fail(
            new Error(`subscribe to ${channel}: ${reply.error}`)));
    });

    const begin = () => {
        const wanted = plan.transport ?? 'long-polling';
        cometd.getTransportTypes().filter(type => type !== wanted).forEach(
            type => cometd.unregisterTransport(type));
        cometd.configure({
            url: plan.base + (plan.path ?? '/cometd'),
            requestHeaders: visitor.headers,
            logLevel: plan.log ?? 'error',
            ...(plan.configure ?? {}),
        });
    };

    const steps = {
        rest: async step => {
            const sent_s = now();
            const answer = await visitor.request(
                step.method ?? 'GET', filled(step.target), filled(step.json), filled(step.headers));
            brought[step.name] = answer.json;
            see('answer', {step: step.name, sent_s, ...answer});
        },
        open: step => new Promise((done, fail) => {
            let connected = false;
            let subscribed = false;
            let told = false;
            const look = () => {
                if (connected && subscribed && !told) {
                    told = true;
                    const {type, getType} = cometd.getTransport();
                    see('open', {transport: type ?? getType()});
                    done();
                }
            };
            channels.push(...(step.channels ?? []));
            cometd.addListener('/meta/handshake', reply => {
                if (reply.successful) {
                    cometd.batch(() => Promise.all(channels.map(subscribe)).then(
                        () => { subscribed = true; look(); }, fail));
                }
            });
            cometd.addListener('/meta/connect', reply => {
                connected = connected || reply.successful;
                look();
            });
            begin();
            cometd.handshake();
        }),
        handshake: step => new Promise(done => {
            begin();
            cometd.handshake(filled(step.fields ?? {}), reply => {
                see('replied', {step: step.name, message: reply});
                done();
            });
        }),
        subscribe: async step => {
            if (step.name !== undefined) {
                const reply = await new Promise(done => cometd.subscribe(step.channel, nothing, done));
                see('replied', {step: step.name, message: reply});
                return;
            }
            channels.push(step.channel);
            await subscribe(step.channel);
        },
        unsubscribe: step => new Promise((done, fail) => {
            const at = channels.indexOf(step.channel);
            if (at >= 0) {
                channels.splice(at, 1);
            }
            cometd.unsubscribe(handles[step.channel], reply =>
                reply.successful ? done() : fail(new Error(reply.error)));
        }),
        publish: step => new Promise(done => {
            const sent_s = now();
            cometd.publish(step.channel, filled(step.data), reply => {
                brought[step.name] = reply;
                see('published', {step: step.name, sent_s, message: reply});
                done();
            });
        }),
        wait: step => new Promise(done => {
            let timer;
            const look = () => {
                const event = events.find(event => matches(event, step));
                if (event) {
                    event.taken = true;
                    brought[step.name] = event.data;
                    const {channel, data, at_s: event_at_s} = event;
                    finish('waited', {channel, data, event_at_s});
                }
            };
            const finish = (kind, fields) => {
                clearTimeout(timer);
                const at = waiting.indexOf(look);
                if (at >= 0) {
                    waiting.splice(at, 1);
                }
                see(kind, {step: step.name, where: filled(step.where ?? {}), ...fields});
                done();
            };
            timer = setTimeout(() => finish('timeout'), (step.limit_s ?? 5) * 1000);
            waiting.push(look);
            look();
        }),
        sleep: step => sleep(step.seconds),
        disconnect: () => new Promise(done => {
            const timer = setTimeout(done, 3000);
            cometd.disconnect(() => {
                clearTimeout(timer);
                done();
            });
        }),
    };

    let code = 0;
    try {
        for (const [index, step] of plan.steps.entries()) {
            if (index > 0 && plan.pause_s) {
                await sleep(plan.pause_s);
            }
            await steps[step.do](step);
        }
        see('end', {});
    } catch (x) {
        see('broken', {error: String(x)});
        code = 3;
    }
    clearTimeout(limit);
    exit(code);
};
