/** Where a reference in a message or a task leads. */
export type ReferenceTarget =
	| {readonly type: 'link'; readonly address: string}
	| {readonly type: 'task'; readonly id: number}
	| {readonly type: 'message'; readonly id: number};

export interface Reference {
	readonly target: ReferenceTarget;
	/** Remote text, to be made printable when it is drawn. */
	readonly label: string;
}
