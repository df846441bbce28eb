/** What a message or a task leads to. */
export type Target =
	| {readonly type: 'link'; readonly address: string}
	| {readonly type: 'task'; readonly id: number}
	| {readonly type: 'message'; readonly id: number};

export interface Choice {
	readonly target: Target;
	/** Remote text; it passes the gate when it is drawn. */
	readonly label: string;
}
