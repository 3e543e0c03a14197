/*
 * Points the tests of cometd-nodejs-server at another server: mocha --require at_broker.cjs …
 *
 * They make their server with `require('..')`, hand its `handle` to `http.createServer` and ask that
 * for its port. Here the server they make is a stand-in, and the port is that of BROKER_PORT. What
 * they do to their server from within (listeners, policies) does not reach the broker, so only those
 * tests can judge it that look at it from outside.
 */
'use strict';

const http = require('node:http');
const Module = require('node:module');
const path = require('node:path');

const PORT = Number(process.env.BROKER_PORT);

/** What the tests find in place of their own server. */
class Elsewhere {
    constructor() {
        this.options = {};
        this.handle = () => {
            throw new Error('nothing is handled here');
        };
        this.handle.elsewhere = true;
    }

    getServerChannel() {
        return {addListener: () => {}};
    }

    createServerChannel() {
        return this.getServerChannel();
    }

    close() {}
}

const createServer = http.createServer;
http.createServer = (handler, ...rest) => handler?.elsewhere ? {
    listen: (port, host, listening) => setImmediate(listening),
    address: () => ({port: PORT}),
    close: () => {},
} : createServer(handler, ...rest);

const load = Module._load;
Module._load = (request, parent, ...rest) =>
    request === '..' && parent.filename.includes(`cometd-nodejs-server${path.sep}test`)
        ? {createCometDServer: () => new Elsewhere()}
        : load(request, parent, ...rest);
