/* cometd-nodejs-server with nothing but its defaults and a long poll, on the port given. */
'use strict';

const http = require('node:http');
const cometd = require('cometd-nodejs-server');

const bayeux = cometd.createCometDServer({timeout: 120000, maxInterval: 60000});
const server = http.createServer((request, response) => bayeux.handle(request, response));
server.keepAliveTimeout = 0;
server.listen(Number(process.argv[2]), '127.0.0.1', 8192);
