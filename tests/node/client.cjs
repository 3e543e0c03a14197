/*
 * A Bayeux client carries out a plan: node client.cjs CLIENT PLAN, see plan.cjs.
 *
 * CLIENT is a folder beside this file: a generation of npm's `cometd`, or `faye`.
 */
'use strict';

const {library, scripts} = require('./library.cjs');
const {carryOut} = require('./plan.cjs');
const {host, Visitor} = require('./visitor.cjs');

const [, , name, text] = process.argv;

async function main() {
    const plan = JSON.parse(text);
    const visitor = new Visitor(plan);
    if (name === 'faye') {
        const {FayeAsCometd} = require('./faye/as_cometd.cjs');
        return carryOut(plan, visitor, new FayeAsCometd(visitor), host);
    }
    const {CometD, AckExtension} = await library(name, visitor.adaptation(), window => {
        window.WebSocket = visitor.webSocketClass(window.WebSocket);
        window.document = globalThis.document = scripts(async source => {
            const answer = await visitor.request('GET', source, undefined, {Accept: '*/*'});
            if (answer.status !== 200) {
                throw new Error(`HTTP ${answer.status}`);
            }
            return answer.text;
        });
    });
    const cometd = new CometD();
    if (plan.ack) {
        cometd.registerExtension('ack', new AckExtension());
    }
    return carryOut(plan, visitor, cometd, host);
}

main();
