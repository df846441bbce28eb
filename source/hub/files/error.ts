/** An expected error of the hub. `message` is one sentence; `remedy` says what to do. */
export class HubError extends Error {
	override readonly name = 'HubError';
	readonly remedy: string;

	constructor(message: string, remedy = '', options?: ErrorOptions) {
		super(message, options);
		this.remedy = remedy;
	}

	/** The message and the remedy, for the user. */
	get sentence(): string {
		return this.remedy === '' ? this.message : `${this.message} ${this.remedy}`;
	}
}
