/*
 * Where a plan is carried out in Node: its clock and output, and what a browser would keep.
 */
'use strict';

const http = require('node:http');
const https = require('node:https');

exports.host = {
    now: () => Number(process.hrtime.bigint()) / 1e9,
    print: line => process.stdout.write(JSON.stringify(line) + '\n'),
    // Sockets kept alive would hold the process; what was printed is flushed first.
    exit: code => process.stdout.write('', () => process.exit(code)),
};

/** What a browser keeps between requests: cookies, the CSRF token, the credentials. */
exports.Visitor = class {
    constructor(plan) {
        this.plan = plan;
        this.jar = {};
        this.headers = {};
        if (plan.user !== undefined) {
            const credentials = Buffer.from(`${plan.user}:${plan.password ?? ''}`);
            this.headers.Authorization = 'Basic ' + credentials.toString('base64');
        }
    }

    store(header) {
        const pair = header.split(';')[0].trim();
        const equal = pair.indexOf('=');
        if (this.plan.cookies !== false && equal > 0) {
            this.jar[pair.substring(0, equal)] = pair;
        }
    }

    cookies() {
        return Object.values(this.jar);
    }

    /** The options of `adapt()`: cometd-nodejs-client's requests share the jar. */
    adaptation() {
        return {
            cookies: {
                storeCookie: (uri, header, callback) => {
                    this.store(header);
                    callback();
                },
                retrieveCookies: (context, uri, callback) => callback(null, this.cookies()),
            },
        };
    }

    /** `ws` with the headers that a browser would send by itself. */
    webSocketClass(WebSocket) {
        const visitor = this;
        return class extends WebSocket {
            constructor(url, protocols) {
                const headers = {...visitor.headers};
                if (visitor.cookies().length > 0) {
                    headers.Cookie = visitor.cookies().join('; ');
                }
                super(url, protocols, {headers});
            }
        };
    }

    request(method, target, json, headers) {
        const url = new URL(target, this.plan.base);
        const body = json === undefined ? undefined : JSON.stringify(json);
        const all = {Accept: 'application/json', ...this.headers, ...headers};
        if (this.cookies().length > 0) {
            all.Cookie = this.cookies().join('; ');
        }
        if (body !== undefined) {
            all['Content-Type'] = 'application/json';
            all['Content-Length'] = Buffer.byteLength(body);
        }
        return new Promise((answer, fail) => {
            const client = url.protocol === 'https:' ? https : http;
            const request = client.request(url, {method, headers: all}, response => {
                (response.headers['set-cookie'] || []).forEach(header => this.store(header));
                const name = response.headers['x-csrf-header'];
                if (name) {
                    this.headers[name] = response.headers[name.toLowerCase()];
                }
                let text = '';
                response.setEncoding('utf8');
                response.on('data', chunk => text += chunk);
                response.on('error', fail);
                response.on('end', () => {
                    let parsed;
                    try {
                        parsed = JSON.parse(text);
                    } catch (x) {
                        parsed = null;
                    }
                    answer({status: response.statusCode, headers: response.headers, text, json: parsed});
                });
            });
            request.on('error', fail);
            request.end(body);
        });
    }
};
