// Which part of source/ may import which. `npm run layers` checks it and prints the picture; so does `npm run lint`.
// A part is a folder, or a file directly in source/. A missing part is an error, not unrestricted.

export interface Layers {
	/** Each part of source/: the other parts (or single files of them) that it may import, and why. */
	readonly parts: {readonly [part: string]: {readonly imports: readonly string[]; readonly why: string}};
	/** The packages that a folder may import. A subfolder without an entry of its own has that of its parent. `node:` allows all Node modules. */
	readonly packages: {readonly [path: string]: readonly string[]};
	/**
	 * The subfolders of a folder, top layer first: each may import only what stands below it. Folders of one layer
	 * (in brackets) do not import each other. `.` stands for the loose files of the folder.
	 */
	readonly order: {readonly [folder: string]: ReadonlyArray<string | readonly string[]>};
}

// One way to write a file whole and private, for the hub and for those who may not import it otherwise.
const wholeFile = 'hub/files/whole-file.ts';
// One small HTTP client, for the same.
const exchange = 'hub/local/exchange.ts';
const privateFile = 'hub/files/private-file.ts';

/** Folders whose modules have no state, and the files in them that may have some, with the reason. */
export interface Stateless {
	readonly [folder: string]: {readonly [file: string]: string};
}

export const layers: Layers = {
	parts: {
		'cli.ts': {imports: ['commands'], why: 'starts the program, and only what the command line asks for'},
		commands: {
			imports: [
				'tui',
				'store',
				'mcp',
				'join',
				'quotation',
				'signing',
				'gateway',
				'hub',
				'mailbox',
				'config.ts',
				'config-file.ts',
				'paths.ts',
				'printable.ts',
				'toml.ts',
			],
			why: 'where the others meet',
		},
		tui: {imports: ['store', 'mailbox', 'printable.ts', wholeFile], why: 'shows a store, whatever fills it'},
		mcp: {imports: ['quotation', 'mailbox', 'printable.ts'], why: 'works on the Mailbox port, whatever is behind it'},
		join: {
			imports: ['quotation', 'mailbox', 'printable.ts', 'toml.ts', wholeFile, privateFile, exchange],
			why: 'works on the Mailbox port, whatever is behind it',
		},
		quotation: {imports: ['mailbox', 'printable.ts'], why: 'the text of a message for an agent; pure'},
		store: {imports: ['mailbox'], why: 'what the screen shows, without React and without a database'},
		gateway: {imports: ['mailbox'], why: 'the Mailbox port over supabase-js, which is used nowhere else'},
		signing: {imports: ['mailbox', wholeFile], why: 'keys that no agent and no SQL has'},
		'config.ts': {
			imports: ['config-file.ts', 'paths.ts', 'mailbox'],
			why: 'what the program is told by flags, env and file',
		},
		'config-file.ts': {imports: ['mailbox', 'toml.ts'], why: 'reads config.toml'},
		'toml.ts': {imports: ['mailbox'], why: 'says what is wrong with a TOML file, and where'},
		'paths.ts': {imports: [], why: 'where the files of agentmux are'},
		hub: {imports: [], why: 'a Supabase of its own, which other programs could import'},
		mailbox: {imports: [], why: 'the domain and its port; pure'},
		'printable.ts': {imports: [], why: 'the one gate to a terminal; pure'},
	},
	packages: {
		'cli.ts': [],
		commands: [
			'node:',
			'meow',
			'string-width',
			'@modelcontextprotocol/sdk',
			'@modelcontextprotocol/server',
			'@supabase/mcp-server-supabase',
			'diff',
		],
		tui: ['node:', 'ink', 'react', 'zustand', 'string-width'],
		'tui/screen': ['node:', 'string-width'],
		'tui/markdown': ['node:vm', 'marked', 'highlight.js'],
		mcp: ['node:crypto', '@modelcontextprotocol/sdk', 'zod'],
		join: ['node:', 'jsonc-parser', 'smol-toml'],
		quotation: [],
		store: ['zustand'],
		'store/state': [],
		gateway: ['node:crypto', 'node:timers', '@supabase/supabase-js'],
		signing: ['node:'],
		'config.ts': [],
		'config-file.ts': ['node:fs', 'smol-toml'],
		'toml.ts': ['smol-toml'],
		'paths.ts': ['node:path', 'env-paths'],
		hub: ['node:', 'pg', 'tar', '@electric-sql/pglite'],
		'hub/rest': ['node:crypto', 'node:timers'],
		'hub/realtime': ['node:', 'ws'],
		'hub/local': ['node:', 'ws'],
		mailbox: [],
		'printable.ts': [],
	},
	order: {
		commands: [
			'.',
			['approvals', 'hub', 'join', 'scheduled', 'serve', 'sight', 'steer'],
			['connect', 'screen', 'tasks'],
			'cli',
		],
		tui: [
			'run',
			'screen-reader',
			'app',
			'find',
			['approvals', 'compose', 'tasks', 'timeline'],
			'view',
			'panes',
			['model', 'markdown'],
			['settings', 'editor', 'terminal'],
			'screen',
		],
		hub: [
			'.',
			'process',
			['pglite', 'postgres'],
			['local', 'tokens', 'upkeep'],
			['home', 'realtime', 'rest'],
			'management',
			'schema',
			'database',
			['files', 'http'],
		],
		gateway: ['.', 'live', 'rest', 'link'],
		'hub/rest': ['.', 'render', 'plan', ['catalog', 'query'], 'errors'],
		join: ['.', 'files', 'clients', 'sight', 'hook'],
		store: ['.', 'state'],
		mailbox: [['filter', 'tasks'], '.', ['sight', 'text']],
		mcp: ['.', 'tools', 'session', ['answers', 'arguments']],
	},
};

/** Modules without state, so that two screens in one process do not disturb each other. */
export const stateless: Stateless = {
	tui: {
		'tui/screen/style.ts': 'looks have numbers, which are given out once and mean the same for everyone',
		'tui/screen/lazy.ts': 'which parts of the program are loaded is a fact of the process',
		'tui/panes/look-alike.ts': 'a cache by the message and all that the marks are made of',
		'tui/panes/message-block.ts': 'a cache by the message and all that the head is made of',
		'tui/markdown/time-budget.ts': 'a slot that is filled and used within one call',
	},
};
