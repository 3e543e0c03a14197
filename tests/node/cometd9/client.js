/* cometd 9 carries out a plan: see ../plan.cjs. */
import {adapt} from "cometd-nodejs-client";
import {read, Visitor, carryOut} from "../plan.cjs";

const plan = read();
const visitor = new Visitor(plan);
adapt(visitor.adaptation());
window.WebSocket = visitor.webSocketClass(window.WebSocket);
// The library looks at `window` when it is imported.
const {CometD} = await import("cometd");

carryOut(plan, visitor, new CometD());
