/*
 * Judges a CometD server with npm's `cometd`: node judge.cjs VERSION BASE TRANSPORT EXTENSIONS
 *
 * VERSION is a folder beside this file (cometd3 to cometd9), EXTENSIONS `extensions` for those of CometD:
 * acknowledgement, timestamp and timesync.
 * Prints `expire CLIENT_ID` and `disconnect CLIENT_ID` when the server shall do that to a session,
 * `ok` at the end, or `failed: …`.
 */
'use strict';

const assert = require('node:assert/strict');
const {library, scripts} = require('./library.cjs');

const [, , version, base, transport, extensions] = process.argv;
const say = line => process.stdout.write(line + '\n');

/** What `act` gives its callback; fails when that is not called in time. */
const called = (what, act) => new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error(`${what} never came`)), 8000);
    act(value => {
        clearTimeout(timer);
        done(value);
    });
});

async function fetchText(url) {
    const answer = await fetch(url);
    assert.equal(answer.status, 200, url);
    return answer.text();
}

async function judge() {
    const {CometD, ...extension} = await library(version, {}, window => {
        window.document = globalThis.document = scripts(fetchText);
    });
    const open = async transport => {
        const cometd = new CometD();
        cometd.configure({url: `${base}/cometd`, logLevel: 'error'});
        cometd.getTransportTypes().filter(type => type !== transport).forEach(
            type => cometd.unregisterTransport(type));
        if (extensions === 'extensions') {
            cometd.registerExtension('ack', new extension.AckExtension());
            cometd.registerExtension('timestamp', new extension.TimeStampExtension());
            cometd.registerExtension('timesync', new extension.TimeSyncExtension());
        }
        const reply = await called('handshake', done => cometd.handshake(done));
        assert.equal(reply.successful, true);
        if (extensions === 'extensions') {
            const away = Date.now() - Date.parse(reply.timestamp);
            assert.ok(Math.abs(away) < 60_000, `stamped ${reply.timestamp}`);
            const offset = cometd.getExtension('timesync').getTimeOffset();
            assert.ok(Math.abs(offset) < 1_000, `the clocks of one machine are ${offset} ms apart`);
        }
        return cometd;
    };
    /** Events as they come: `await next()` gives the data of the next one. */
    const listen = async (cometd, channel) => {
        const waiting = [], come = [];
        const take = message => waiting.length ? waiting.shift()(message.data) : come.push(message.data);
        await called('subscription', done => cometd.subscribe(channel, take, done));
        return () => called(`event on ${channel}`, done => come.length ? done(come.shift()) : waiting.push(done));
    };

    // Two clients of one page would call their JSONP callbacks by the same names.
    const reader = await open(transport);
    const writer = await open(transport === 'callback-polling' ? 'long-polling' : transport);
    assert.equal(reader.getTransport().type ?? reader.getTransport().getType(), transport);
    const next = await listen(reader, '/chat/*');
    const own = await listen(writer, '/own');

    const first = {text: 'grüß \u2028 \u{1f3a7}', none: null};
    writer.publish('/chat/x', first);
    for (let n = 0; n < 20; n++) {
        writer.publish('/chat/x', n);
    }
    assert.deepEqual(await next(), first);
    for (let n = 0; n < 20; n++) {
        assert.equal(await next(), n);
    }
    writer.publish('/own', 'mine');
    assert.equal(await own(), 'mine');

    const answer = await called('remote call', done => writer.remoteCall('echo', {q: 1}, 5000, done));
    assert.deepEqual([answer.successful, answer.data], [true, {q: 1}]);
    const refused = await called('refusal', done => writer.publish('/denied/x', 1, done));
    assert.equal(refused.successful, false);

    const before = reader.getClientId();
    let again;
    const renewed = called('new handshake', done => reader.addListener('/meta/handshake', message => {
        again = listen(reader, '/chat/*');
        done(message);
    }));
    say(`expire ${before}`);
    assert.equal((await renewed).successful, true);
    assert.notEqual(reader.getClientId(), before);
    const nextAgain = await again;
    writer.publish('/chat/x', 'after');
    assert.equal(await nextAgain(), 'after');

    const left = called('disconnect', done => reader.addListener('/meta/disconnect', done));
    say(`disconnect ${reader.getClientId()}`);
    assert.equal((await left).successful, true);
    await called('a second', done => setTimeout(done, 100));
    assert.equal(reader.isDisconnected(), true);
    await called('own disconnect', done => writer.disconnect(done));
}

judge().then(() => say('ok'), error => say(`failed: ${error.stack}`)).then(() => process.exit(0));
