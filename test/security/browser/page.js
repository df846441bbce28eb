// Runs in the attacking page. Every try resolves with what the page could read, or null when it could read nothing.
// `hub` is the hub's address, `key` a key that opens everything: a page that has stolen one is not let in either.
globalThis.attack = async (hub, key) => {
	const write = JSON.stringify({content: '[HUMAN] from a page'});
	const messages = `${hub}/rest/v1/messages`;
	const withKey = `${messages}?apikey=${key}`;
	const run = `${hub}/v1/projects/local/database/query?apikey=${key}`;
	const sql = JSON.stringify({query: "insert into messages (content) values ('[HUMAN] from a page')"});
	const bearer = {apikey: key, authorization: `Bearer ${key}`};
	const json = {'content-type': 'application/json'};
	const read = async (url, options) => {
		const response = await fetch(url, options);
		return response.type === 'opaque' ? null : `${response.status} ${await response.text()}`;
	};
	const element = (tag, attributes) =>
		new Promise(resolve => {
			const made = Object.assign(document.createElement(tag), attributes);
			made.addEventListener('load', () => resolve(made));
			made.addEventListener('error', () => resolve(null));
			document.body.append(made);
			setTimeout(() => resolve(made), 2000);
		});
	/** What a page may read of a frame: nothing when that is another origin's. */
	const textOf = frame => {
		try {
			return frame?.contentDocument?.body?.innerText || null;
		} catch {
			return null;
		}
	};
	const form = (enctype, url, fields, method = 'POST', referrerPolicy = '') =>
		new Promise(resolve => {
			const name = `frame${Math.random()}`;
			const frame = Object.assign(document.createElement('iframe'), {name, referrerPolicy});
			const made = Object.assign(document.createElement('form'), {method, action: url, enctype, target: name});
			for (const [field, value] of Object.entries(fields)) {
				made.append(Object.assign(document.createElement('input'), {name: field, value}));
			}
			const policy = Object.assign(document.createElement('meta'), {
				name: 'referrer',
				content: referrerPolicy || 'origin',
			});
			document.head.append(policy);
			document.body.append(frame, made);
			frame.addEventListener('load', () => {
				policy.remove();
				resolve(textOf(frame));
			});
			made.submit();
			setTimeout(() => resolve(null), 2000);
		});
	const socket = (address, ...protocols) =>
		new Promise(resolve => {
			const opened = new WebSocket(address.replace('http', 'ws'), ...protocols);
			opened.addEventListener('open', () => {
				opened.close();
				resolve('opened');
			});
			opened.addEventListener('error', () => resolve(null));
		});
	const tries = {
		'read /health': () => read(`${hub}/health`),
		'read /health, no-cors': () => read(`${hub}/health`, {mode: 'no-cors', credentials: 'include'}),
		'read with a key in a header': () => read(messages, {headers: bearer}),
		'read with a key in the address': () => read(withKey),
		'read with credentials': () => read(withKey, {credentials: 'include'}),
		'read without a referrer': () => read(withKey, {referrerPolicy: 'no-referrer'}),
		'read the OpenAPI root': () => read(`${hub}/rest/v1/?apikey=${key}`),
		'read an error': () => read(`${hub}/nowhere?apikey=${key}`),
		'ask before (OPTIONS)': () => read(messages, {method: 'OPTIONS', headers: bearer}),
		'write with JSON, asked before': () => read(messages, {method: 'POST', headers: {...bearer, ...json}, body: write}),
		'write as text, not asked before': () => read(withKey, {method: 'POST', body: write}),
		'write, no-cors': () => read(withKey, {method: 'POST', mode: 'no-cors', credentials: 'include', body: write}),
		'write, no-cors, without a referrer': () =>
			read(withKey, {method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', body: write}),
		'write, kept alive': () => read(withKey, {method: 'POST', mode: 'no-cors', keepalive: true, body: write}),
		'write with a beacon': async () => void navigator.sendBeacon(withKey, write),
		'change all': () => read(`${withKey}&id=gt.0`, {method: 'PATCH', headers: json, body: '{"meta": {}}'}),
		'delete all': () => read(`${withKey}&id=gt.0`, {method: 'DELETE'}),
		'run SQL': () => read(run, {method: 'POST', headers: bearer, body: sql}),
		'run SQL, no-cors': () => read(run, {method: 'POST', mode: 'no-cors', body: sql}),
		'call a function by GET, no-cors': () =>
			read(`${hub}/rest/v1/rpc/task_add?apikey=${key}&p_title=from+a+page`, {mode: 'no-cors'}),
		'broadcast, no-cors': () =>
			read(`${hub}/realtime/v1/api/broadcast?apikey=${key}`, {
				method: 'POST',
				mode: 'no-cors',
				body: '{"messages": []}',
			}),
		'a token': () => read(`${hub}/agentmux/v1/tokens?apikey=${key}`, {method: 'POST', body: '{"tag": "HUMAN"}'}),
		'an MCP request': () => read(`${hub}/mcp?apikey=${key}`, {method: 'POST', body: '{}'}),
		'a form as text': () => form('text/plain', withKey, {'{"content": "[HUMAN] from a page", "a': '":1}'}),
		'a form without a referrer': () =>
			form('application/x-www-form-urlencoded', withKey, {content: '[HUMAN] from a page'}, 'POST', 'no-referrer'),
		'a form with files': () => form('multipart/form-data', withKey, {content: '[HUMAN] from a page'}),
		'a form by GET': () =>
			form(
				'application/x-www-form-urlencoded',
				`${hub}/rest/v1/rpc/task_add`,
				{apikey: key, p_title: 'from a page'},
				'GET',
			),
		'an image': async () => ((await element('img', {src: withKey}))?.naturalWidth > 0 ? 'shown' : null),
		'an image that writes': async () =>
			void (await element('img', {src: `${hub}/rest/v1/rpc/task_add?apikey=${key}&p_title=from+a+page`})),
		'a script': async () => {
			let seen = null;
			// Of a script of another origin the browser says only that it failed.
			addEventListener('error', ({message}) => (seen = /^Script error\.?$/.test(message) ? null : message));
			await element('script', {src: withKey});
			return seen;
		},
		'a style sheet': async () => {
			const made = await element('link', {rel: 'stylesheet', href: withKey});
			try {
				return made?.sheet?.cssRules.length > 0 ? 'read' : null;
			} catch {
				return null;
			}
		},
		'a frame': async () => textOf(await element('iframe', {src: withKey})),
		events: () =>
			new Promise(resolve => {
				const source = new EventSource(withKey);
				source.addEventListener('open', () => resolve('opened'));
				source.addEventListener('error', () => {
					source.close();
					resolve(null);
				});
			}),
		'a socket': () => socket(`${hub}/realtime/v1/websocket?vsn=2.0.0&apikey=${key}`),
		'a socket with a protocol': () => socket(`${hub}/realtime/v1/websocket?vsn=1.0.0&apikey=${key}`, 'phoenix'),
		'a socket without a key': () => socket(`${hub}/realtime/v1/websocket?vsn=2.0.0`),
	};
	const results = {};
	for (const [name, perform] of Object.entries(tries)) {
		try {
			results[name] = (await perform()) ?? null;
		} catch {
			results[name] = null;
		}
	}
	return results;
};
