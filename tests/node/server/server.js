/*
 * cometd-nodejs-server with a small application, to record from. Prints `listening on URL`.
 *
 *   /chat/*          broadcast: what one publishes, all subscribers get
 *   /service/echo    answers its sender on the same channel
 *   GET  /api/rooms  the rooms spoken in so far
 *   POST /api/say    {"room", "text"} -> {"statusCode": 0, "referenceId": n}; a moment later the
 *                    event {"referenceId": n, "text"} on /chat/<room>
 *
 * The path of the CometD endpoint is the first argument (/cometd).
 */
'use strict';

const http = require('node:http');
const cometd = require('cometd-nodejs-server');

const path = process.argv[2] || '/cometd';
const bayeux = cometd.createCometDServer({timeout: 10000, maxInterval: 5000,
    maxSessionsPerBrowser: -1});
const rooms = {};
let referenceId = 40;

bayeux.createServerChannel('/service/echo').addListener('message', (session, channel, message, done) => {
    session.deliver(null, channel.name, {echo: message.data});
    done();
});

function say({room, text}) {
    const id = ++referenceId;
    rooms[room] = (rooms[room] || 0) + 1;
    setTimeout(() => bayeux.createServerChannel('/chat/' + room).publish(null, {referenceId: id, text}), 30);
    return {statusCode: 0, referenceId: id};
}

function answer(response, status, json) {
    response.writeHead(status, {'Content-Type': 'application/json'});
    response.end(JSON.stringify(json));
}

const server = http.createServer((request, response) => {
    if (request.url.startsWith(path)) {
        bayeux.handle(request, response);
    } else if (request.method === 'GET' && request.url === '/api/rooms') {
        answer(response, 200, {statusCode: 0, rooms});
    } else if (request.method === 'POST' && request.url === '/api/say') {
        let body = '';
        request.setEncoding('utf8');
        request.on('data', chunk => body += chunk);
        request.on('end', () => answer(response, 200, say(JSON.parse(body))));
    } else {
        answer(response, 404, {statusCode: 6, statusMessage: 'no such resource'});
    }
});
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => process.exit(0));
}
