/* cometd 3.1 carries out a plan: see ../plan.cjs. */
'use strict';

const {read, Visitor, carryOut} = require('../plan.cjs');

const plan = read();
const visitor = new Visitor(plan);
require('cometd-nodejs-client').adapt(visitor.adaptation());
window.WebSocket = visitor.webSocketClass(window.WebSocket);
const {CometD} = require('cometd');

carryOut(plan, visitor, new CometD());
