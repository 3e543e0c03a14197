/*
 * Faye's server, to record from: what is published reaches subscribers, but for what is denied.
 * Prints `listening on URL`.
 */
'use strict';

const http = require('node:http');
const faye = require('faye');

const bayeux = new faye.NodeAdapter({mount: '/cometd', timeout: 5});
bayeux.addExtension({
    incoming: (message, onward) => {
        if (message.channel.startsWith('/denied/') || message.subscription?.startsWith('/denied/')) {
            message.error = `403:${message.subscription ?? message.channel}:Forbidden channel`;
        }
        onward(message);
    },
});
const server = http.createServer();
bayeux.attach(server);
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => process.exit(0));
}
