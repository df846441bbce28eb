/** Opens a web address outside of the terminal; resolves with false where nothing here can. */
export type Browse = (address: string) => Promise<boolean>;

/** Milliseconds after which an opener that still runs is taken to have opened something. */
const timeout = 2000;

/** The platform's own opener, started without a shell. It is only ever given http and https. */
export function createBrowser(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Browse {
	return address =>
		new Promise(resolve => {
			if (!/^https?:\/\/[!-~]+$/u.test(address)) return resolve(false);
			const [command, ...words] = openerOf(platform);
			// A process group of its own, without our terminal: a browser for terminals must not draw over us.
			// Loaded when it is called for: before the first frame it would cost 2.5 ms.
			const {spawn} = process.getBuiltinModule('node:child_process');
			const opener = spawn(command, [...words, address], {env, stdio: 'ignore', detached: true});
			const timer = setTimeout(() => resolve(true), timeout);
			const done = (opened: boolean) => {
				clearTimeout(timer);
				resolve(opened);
			};
			opener.on('error', () => done(false));
			opener.on('exit', code => done(code === 0));
			opener.unref();
		});
}

function openerOf(platform: NodeJS.Platform): readonly [string, ...string[]] {
	if (platform === 'darwin') return ['open'];
	// `start` is a word of cmd.exe, which would read an address as a line of its own language.
	if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
	return ['xdg-open'];
}
