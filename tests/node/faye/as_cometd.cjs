/*
 * Faye's client with the face of a `CometD` object, as far as plan.cjs looks at it.
 *
 * Faye subscribes again by itself after a new handshake, so listeners to handshakes are called
 * after the first one only.
 */
'use strict';

const faye = require('faye');

exports.FayeAsCometd = class {
    /** `visitor` is who has talked to the server before: Faye goes on with their cookies. */
    constructor(visitor) {
        this.visitor = visitor;
        this.extensions = [];
        this.listeners = [];
        this.disabled = [];
        this.types = ['websocket', 'long-polling'];
    }

    registerExtension(name, extension) {
        this.extensions.push(extension);
    }

    addListener(channel, listener) {
        this.listeners.push({channel, listener});
    }

    getTransportTypes() {
        return this.types;
    }

    /** Long-polling stays: Faye shakes hands over it before it opens a WebSocket. */
    unregisterTransport(type) {
        this.types = this.types.filter(one => one !== type);
        if (type === 'websocket') {
            this.disabled.push(type);
        }
    }

    configure({url, requestHeaders}) {
        this.faye = new faye.Client(url, {retry: 0.2});
        this.disabled.forEach(type => this.faye.disable(type));
        Object.entries(requestHeaders).forEach(([name, value]) => this.faye.setHeader(name, value));
        this.visitor.cookies().forEach(
            pair => this.faye._dispatcher.cookies.setCookieSync(`${pair}; Path=/`, url));
        const shaken = [];
        this.faye.addExtension({
            incoming: (message, onward) => {
                this.extensions.forEach(extension => extension.incoming(message));
                const heard = this.listeners.filter(({channel}) => channel === message.channel);
                if (message.channel !== '/meta/handshake' || shaken.length === 0) {
                    // Once Faye itself knows of it.
                    setImmediate(() => heard.forEach(({listener}) => listener(message)));
                }
                if (message.channel === '/meta/handshake' && message.successful) {
                    shaken.push(message);
                }
                onward(message);
            },
        });
    }

    getTransport() {
        return {type: this.faye._dispatcher.connectionType};
    }

    handshake() {
        this.faye.connect(() => {});
    }

    batch(act) {
        act();
    }

    subscribe(channel, callback, replied) {
        const subscription = this.faye.subscribe(channel, callback);
        subscription.then(() => replied({successful: true}), error => replied(refused(error)));
        return subscription;
    }

    unsubscribe(subscription, replied) {
        this.addListener('/meta/unsubscribe', replied);
        subscription.cancel();
    }

    publish(channel, data, replied) {
        this.faye.publish(channel, data).then(
            () => replied({channel, successful: true}),
            error => replied({channel, ...refused(error)}));
    }

    disconnect(replied) {
        this.faye.disconnect().then(replied, replied);
    }
};

/** An error of Faye as the reply it was made from. */
function refused(error) {
    return {successful: false, error: String(error)};
}
