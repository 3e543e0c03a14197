/*
 * npm's `cometd`, of the generation in a folder beside this file: cometd3, 4, 5, 7, 9.
 *
 * Up to 7 it is CommonJS, from 8 on modules; all look at `window` when they are imported, so what
 * stands for a browser is made first.
 */
'use strict';

const {createRequire} = require('node:module');
const path = require('node:path');
const {pathToFileURL} = require('node:url');

const EXTENSIONS = ['AckExtension', 'TimeStampExtension', 'TimeSyncExtension'];

/**
 * CometD and its extensions, of a version; `adaptation` are the options of cometd-nodejs-client, and
 * `prepare(window)` may change what stands for a browser.
 */
exports.library = async (version, adaptation = {}, prepare = () => {}) => {
    const wanted = createRequire(path.join(__dirname, version, 'package.json'));
    const load = name => import(pathToFileURL(wanted.resolve(name)).href);
    const client = await load('cometd-nodejs-client');
    (client.adapt ?? client.default.adapt)(adaptation);
    prepare(window);
    if (version === 'cometd9') {
        const {CometD} = await load('cometd');
        return Object.assign(
            {CometD}, ...await Promise.all(EXTENSIONS.map(name => load(`cometd/${name}.js`))));
    }
    return {
        CometD: wanted('cometd').CometD,
        ...Object.fromEntries(EXTENSIONS.map(name => [name, wanted(`cometd/${name}`)])),
    };
};

/**
 * What callback-polling needs of a document: `<script>` elements that are fetched and run.
 *
 * `fetchText(url)` gives a script's text; a script that cannot be had calls `onerror`.
 */
exports.scripts = fetchText => {
    const run = element => fetchText(element.src).then(
        text => {
            new Function('page', `with (page) {${text}}`)(window);
            element.onload?.();
        },
        error => element.onerror?.(error));
    const head = {appendChild: element => void run(element), removeChild: () => {}};
    return {
        createElement: () => ({}),
        getElementsByTagName: () => [head],
        head,
        documentElement: head,
        body: head,
    };
};
