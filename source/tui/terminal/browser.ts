/** Opens a web address outside the terminal; resolves with false if that is not possible. */
export type Browse = (address: string) => Promise<boolean>;

/** Milliseconds after which an opener that is still running counts as successful. */
const timeout = 2000;

/** Starts the platform's opener, without a shell, and only for http and https. */
export function createBrowser(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Browse {
	return address =>
		new Promise(resolve => {
			if (!/^https?:\/\/[!-~]+$/u.test(address)) return resolve(false);
			const [command, ...words] = openerOf(platform);
			// Detached from our terminal, because a text-mode browser must not draw over us.
			// Loaded only when needed: before the first frame it would cost 2.5 ms.
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
	// `start` is a command of cmd.exe, which would interpret characters of the address.
	if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
	return ['xdg-open'];
}
