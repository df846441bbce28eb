/** Where the hub keeps its things; absolute paths of folders that may not exist yet. */
export interface HubPaths {
	/** What must not be lost: the database, its lock, the keys. */
	readonly data: string;
	/** What is only true while it runs. */
	readonly state: string;
	readonly logs: string;
}
