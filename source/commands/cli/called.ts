/** How a person starts this program again from the same terminal. */
export function calledAs(env: NodeJS.ProcessEnv): string {
	// Set by npm, for `npm start` and npx alike. What they add to the PATH is gone when they end.
	return env['npm_config_user_agent'] === undefined ? 'agentmux' : 'npx agentmux';
}

/** The text with its commands in back-quotes as that person has to type them. */
export function asTyped(text: string, env = process.env): string {
	return text.replaceAll(/`(AGENTMUX_TAG=\S+ )?agentmux /g, (_, variable = '') => `\`${variable}${calledAs(env)} `);
}
