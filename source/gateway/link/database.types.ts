export type Json = string | number | boolean | null | {[key: string]: Json | undefined} | Json[];

export type Database = {
	public: {
		Tables: {
			agent_sessions: {
				Row: {
					presence: string;
					prompted_at: string | null;
					quiet_until: string | null;
					seen_at: string;
					session: string;
					started_at: string;
					tag: string;
					wake: string | null;
					woken_at: string | null;
				};
				ComputedFields: never;
				Insert: {
					presence: string;
					prompted_at?: string | null;
					quiet_until?: string | null;
					seen_at?: string;
					session: string;
					started_at?: string;
					tag: string;
					wake?: string | null;
					woken_at?: string | null;
				};
				Update: {
					presence?: string;
					prompted_at?: string | null;
					quiet_until?: string | null;
					seen_at?: string;
					session?: string;
					started_at?: string;
					tag?: string;
					wake?: string | null;
					woken_at?: string | null;
				};
				Relationships: [];
			};
			agents: {
				Row: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				};
				ComputedFields: never;
				Insert: {
					damped?: string | null;
					focused?: boolean;
					groups?: string[];
					joined_at?: string;
					joined_snapshot?: unknown;
					kind?: string;
					last_seen_at?: string | null;
					meta?: NonNullable<Json>;
					paused?: Json | null;
					presence?: string;
					revoked_at?: string | null;
					role?: string | null;
					sessions?: number;
					tag: string;
					wake?: string | null;
				};
				Update: {
					damped?: string | null;
					focused?: boolean;
					groups?: string[];
					joined_at?: string;
					joined_snapshot?: unknown;
					kind?: string;
					last_seen_at?: string | null;
					meta?: NonNullable<Json>;
					paused?: Json | null;
					presence?: string;
					revoked_at?: string | null;
					role?: string | null;
					sessions?: number;
					tag?: string;
					wake?: string | null;
				};
				Relationships: [];
			};
			channel_entries: {
				Row: {
					mentioned: boolean;
					message_id: number;
					spelled: string;
					tag: string;
				};
				ComputedFields: never;
				Insert: {
					mentioned: boolean;
					message_id: number;
					spelled: string;
					tag: string;
				};
				Update: {
					mentioned?: boolean;
					message_id?: number;
					spelled?: string;
					tag?: string;
				};
				Relationships: [];
			};
			cursors: {
				Row: {
					epoch: string;
					id: number;
					reader: string;
					updated_at: string;
					xid: unknown;
				};
				ComputedFields: never;
				Insert: {
					epoch: string;
					id: number;
					reader: string;
					updated_at?: string;
					xid: unknown;
				};
				Update: {
					epoch?: string;
					id?: number;
					reader?: string;
					updated_at?: string;
					xid?: unknown;
				};
				Relationships: [];
			};
			events: {
				Row: {
					approval_id: number | null;
					at: string;
					id: number;
					kind: string;
					progress: number | null;
					reason: string | null;
					state: string;
					tag: string | null;
					task_id: number | null;
				};
				ComputedFields: never;
				Insert: {
					approval_id?: number | null;
					at: string;
					id?: never;
					kind: string;
					progress?: number | null;
					reason?: string | null;
					state: string;
					tag?: string | null;
					task_id?: number | null;
				};
				Update: {
					approval_id?: number | null;
					at?: string;
					id?: never;
					kind?: string;
					progress?: number | null;
					reason?: string | null;
					state?: string;
					tag?: string | null;
					task_id?: number | null;
				};
				Relationships: [
					{
						foreignKeyName: 'events_task_id_fkey';
						columns: ['task_id'];
						isOneToOne: false;
						referencedRelation: 'tasks';
						referencedColumns: ['id'];
					},
				];
			};
			messages: {
				Row: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				};
				ComputedFields: never;
				Insert: {
					author_kind?: string | null;
					author_tag?: string | null;
					body?: never;
					client_id?: string | null;
					content: string;
					created_at?: string;
					id?: number;
					mentions?: string[];
					meta?: NonNullable<Json>;
					reply_to?: number | null;
					tag?: never;
					thread_id?: number;
					verified?: boolean;
					xid?: unknown;
				};
				Update: {
					author_kind?: string | null;
					author_tag?: string | null;
					body?: never;
					client_id?: string | null;
					content?: string;
					created_at?: string;
					id?: number;
					mentions?: string[];
					meta?: NonNullable<Json>;
					reply_to?: number | null;
					tag?: never;
					thread_id?: number;
					verified?: boolean;
					xid?: unknown;
				};
				Relationships: [
					{
						foreignKeyName: 'messages_reply_to_fkey';
						columns: ['reply_to'];
						isOneToOne: false;
						referencedRelation: 'messages';
						referencedColumns: ['id'];
					},
				];
			};
			mux_approvals: {
				Row: {
					answer: string | null;
					asked_at: string;
					attended_at: string | null;
					client: string;
					cwd: string;
					decided_at: string | null;
					decided_by: string | null;
					ended_at: string | null;
					id: number;
					input: string;
					reason: string | null;
					request: string;
					rules: string;
					session: string;
					signature: Json | null;
					state: string;
					tag: string;
					taken_at: string | null;
					tool: string;
					waiting_at: string;
					waits_until: string;
				};
				ComputedFields: never;
				Insert: {
					answer?: string | null;
					asked_at?: string;
					attended_at?: string | null;
					client: string;
					cwd: string;
					decided_at?: string | null;
					decided_by?: string | null;
					ended_at?: string | null;
					id?: never;
					input: string;
					reason?: string | null;
					request: string;
					rules?: string;
					session: string;
					signature?: Json | null;
					state?: string;
					tag: string;
					taken_at?: string | null;
					tool: string;
					waiting_at?: string;
					waits_until: string;
				};
				Update: {
					answer?: string | null;
					asked_at?: string;
					attended_at?: string | null;
					client?: string;
					cwd?: string;
					decided_at?: string | null;
					decided_by?: string | null;
					ended_at?: string | null;
					id?: never;
					input?: string;
					reason?: string | null;
					request?: string;
					rules?: string;
					session?: string;
					signature?: Json | null;
					state?: string;
					tag?: string;
					taken_at?: string | null;
					tool?: string;
					waiting_at?: string;
					waits_until?: string;
				};
				Relationships: [];
			};
			mux_edits: {
				Row: {
					edited_at: string;
					machine: string;
					path: string;
					tag: string;
				};
				ComputedFields: never;
				Insert: {
					edited_at: string;
					machine: string;
					path: string;
					tag: string;
				};
				Update: {
					edited_at?: string;
					machine?: string;
					path?: string;
					tag?: string;
				};
				Relationships: [];
			};
			mux_meta: {
				Row: {
					epoch: string;
					mailbox_id: string;
					one: boolean;
					xid_offset: number;
				};
				ComputedFields: never;
				Insert: {
					epoch?: string;
					mailbox_id?: string;
					one?: boolean;
					xid_offset?: number;
				};
				Update: {
					epoch?: string;
					mailbox_id?: string;
					one?: boolean;
					xid_offset?: number;
				};
				Relationships: [];
			};
			mux_pause_all: {
				Row: {
					one: boolean;
					paused_at: string;
					paused_by: string;
					reason: string | null;
				};
				ComputedFields: never;
				Insert: {
					one?: boolean;
					paused_at?: string;
					paused_by: string;
					reason?: string | null;
				};
				Update: {
					one?: boolean;
					paused_at?: string;
					paused_by?: string;
					reason?: string | null;
				};
				Relationships: [];
			};
			mux_scheduled: {
				Row: {
					author_kind: string | null;
					author_tag: string | null;
					client_id: string;
					content: string;
					due_at: string;
					failed: string | null;
					id: number;
					meta: NonNullable<Json>;
					reply_to: number | null;
					verified: boolean;
					written_at: string;
				};
				ComputedFields: never;
				Insert: {
					author_kind?: string | null;
					author_tag?: string | null;
					client_id?: string;
					content: string;
					due_at: string;
					failed?: string | null;
					id?: never;
					meta?: NonNullable<Json>;
					reply_to?: number | null;
					verified?: boolean;
					written_at?: string;
				};
				Update: {
					author_kind?: string | null;
					author_tag?: string | null;
					client_id?: string;
					content?: string;
					due_at?: string;
					failed?: string | null;
					id?: never;
					meta?: NonNullable<Json>;
					reply_to?: number | null;
					verified?: boolean;
					written_at?: string;
				};
				Relationships: [];
			};
			mux_sight: {
				Row: {
					argument: string | null;
					client: string | null;
					context_window: number | null;
					cost: number | null;
					model: string | null;
					prompt: string | null;
					prompted_at: string | null;
					said: string | null;
					said_at: string | null;
					session: string | null;
					status: string | null;
					tag: string;
					tokens: number | null;
					tool: string | null;
					tool_at: string | null;
					updated_at: string;
					waiting_for: string | null;
				};
				ComputedFields: never;
				Insert: {
					argument?: string | null;
					client?: string | null;
					context_window?: number | null;
					cost?: number | null;
					model?: string | null;
					prompt?: string | null;
					prompted_at?: string | null;
					said?: string | null;
					said_at?: string | null;
					session?: string | null;
					status?: string | null;
					tag: string;
					tokens?: number | null;
					tool?: string | null;
					tool_at?: string | null;
					updated_at?: string;
					waiting_for?: string | null;
				};
				Update: {
					argument?: string | null;
					client?: string | null;
					context_window?: number | null;
					cost?: number | null;
					model?: string | null;
					prompt?: string | null;
					prompted_at?: string | null;
					said?: string | null;
					said_at?: string | null;
					session?: string | null;
					status?: string | null;
					tag?: string;
					tokens?: number | null;
					tool?: string | null;
					tool_at?: string | null;
					updated_at?: string;
					waiting_for?: string | null;
				};
				Relationships: [];
			};
			mux_stops: {
				Row: {
					asked_at: string;
					asked_by: string | null;
					reason: string | null;
					session: string;
					stopped_at: string | null;
					tag: string;
				};
				ComputedFields: never;
				Insert: {
					asked_at?: string;
					asked_by?: string | null;
					reason?: string | null;
					session: string;
					stopped_at?: string | null;
					tag: string;
				};
				Update: {
					asked_at?: string;
					asked_by?: string | null;
					reason?: string | null;
					session?: string;
					stopped_at?: string | null;
					tag?: string;
				};
				Relationships: [];
			};
			receipts: {
				Row: {
					acked_at: string | null;
					attempts: number;
					batches: number;
					delivered_at: string | null;
					lease_until: string | null;
					message_id: number;
					read_at: string | null;
					reader: string;
					returned: number;
					route: string | null;
					session: string | null;
					state: string;
					take_id: string | null;
					takes: number;
				};
				ComputedFields: never;
				Insert: {
					acked_at?: string | null;
					attempts?: number;
					batches?: number;
					delivered_at?: string | null;
					lease_until?: string | null;
					message_id: number;
					read_at?: string | null;
					reader: string;
					returned?: number;
					route?: string | null;
					session?: string | null;
					state?: string;
					take_id?: string | null;
					takes?: number;
				};
				Update: {
					acked_at?: string | null;
					attempts?: number;
					batches?: number;
					delivered_at?: string | null;
					lease_until?: string | null;
					message_id?: number;
					read_at?: string | null;
					reader?: string;
					returned?: number;
					route?: string | null;
					session?: string | null;
					state?: string;
					take_id?: string | null;
					takes?: number;
				};
				Relationships: [
					{
						foreignKeyName: 'receipts_message_id_fkey';
						columns: ['message_id'];
						isOneToOne: false;
						referencedRelation: 'messages';
						referencedColumns: ['id'];
					},
				];
			};
			redactions: {
				Row: {
					at: string;
					by_kind: string | null;
					by_tag: string | null;
					message_id: number;
					reason: string | null;
					signature: Json | null;
					verified: boolean;
					xid: unknown;
				};
				ComputedFields: never;
				Insert: {
					at?: string;
					by_kind?: string | null;
					by_tag?: string | null;
					message_id: number;
					reason?: string | null;
					signature?: Json | null;
					verified: boolean;
					xid?: unknown;
				};
				Update: {
					at?: string;
					by_kind?: string | null;
					by_tag?: string | null;
					message_id?: number;
					reason?: string | null;
					signature?: Json | null;
					verified?: boolean;
					xid?: unknown;
				};
				Relationships: [
					{
						foreignKeyName: 'redactions_message_id_fkey';
						columns: ['message_id'];
						isOneToOne: true;
						referencedRelation: 'messages';
						referencedColumns: ['id'];
					},
				];
			};
			tasks: {
				Row: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				};
				ComputedFields: never;
				Insert: {
					assignee?: string | null;
					attempts?: number;
					body?: string;
					created_at?: string;
					created_by?: string | null;
					depends_on?: number[];
					id?: number;
					idem_key?: string | null;
					last_error?: string | null;
					lease_owner?: string | null;
					lease_token?: number;
					lease_until?: string | null;
					max_attempts?: number;
					message_id?: number | null;
					note?: string | null;
					parent_id?: number | null;
					position?: number;
					priority?: number;
					progress?: number;
					queue?: string;
					result?: Json | null;
					result_table?: string | null;
					run_at?: string | null;
					status?: string;
					title: string;
					updated_at?: string;
				};
				Update: {
					assignee?: string | null;
					attempts?: number;
					body?: string;
					created_at?: string;
					created_by?: string | null;
					depends_on?: number[];
					id?: number;
					idem_key?: string | null;
					last_error?: string | null;
					lease_owner?: string | null;
					lease_token?: number;
					lease_until?: string | null;
					max_attempts?: number;
					message_id?: number | null;
					note?: string | null;
					parent_id?: number | null;
					position?: number;
					priority?: number;
					progress?: number;
					queue?: string;
					result?: Json | null;
					result_table?: string | null;
					run_at?: string | null;
					status?: string;
					title?: string;
					updated_at?: string;
				};
				Relationships: [
					{
						foreignKeyName: 'tasks_message_id_fkey';
						columns: ['message_id'];
						isOneToOne: false;
						referencedRelation: 'messages';
						referencedColumns: ['id'];
					},
					{
						foreignKeyName: 'tasks_parent_id_fkey';
						columns: ['parent_id'];
						isOneToOne: false;
						referencedRelation: 'tasks';
						referencedColumns: ['id'];
					},
				];
			};
		};
		Views: {
			[_ in never]: never;
		};
		Functions: {
			agent_focus: {
				Args: {p_all?: boolean; p_focused?: boolean; p_tag?: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				}[];
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			agent_groups: {
				Args: {p_add?: string[]; p_remove?: string[]; p_tag: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				};
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			agent_pause: {
				Args: {p_all?: boolean; p_reason?: string; p_tag?: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				}[];
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			agent_restore: {
				Args: {p_tag: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				};
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			agent_resume: {
				Args: {p_all?: boolean; p_tag?: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				}[];
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			agent_revoke: {
				Args: {p_tag: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				};
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			agent_script: {Args: {p_read_only?: boolean; p_statements: string[]}; Returns: Json[]};
			agent_sql: {Args: {p_parameters?: string[]; p_query: string; p_read_only?: boolean}; Returns: Json[]};
			agent_stop: {
				Args: {p_reason?: string; p_tag?: string};
				Returns: {
					asked_at: string;
					asked_by: string | null;
					reason: string | null;
					session: string;
					stopped_at: string | null;
					tag: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'mux_stops';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			agent_stopped: {Args: {p_idle?: boolean; p_session: string}; Returns: undefined};
			agent_touch: {
				Args: {
					p_presence?: string;
					p_prompted?: boolean;
					p_quiet?: number;
					p_role?: string;
					p_session?: string;
					p_wake?: string;
				};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				};
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			agent_undamp: {
				Args: {p_tag: string};
				Returns: {
					damped: string | null;
					focused: boolean;
					groups: string[];
					joined_at: string;
					joined_snapshot: unknown;
					kind: string;
					last_seen_at: string | null;
					meta: NonNullable<Json>;
					paused: Json | null;
					presence: string;
					revoked_at: string | null;
					role: string | null;
					sessions: number;
					tag: string;
					wake: string | null;
				};
				SetofOptions: {
					from: '*';
					to: 'agents';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			approval_ask: {
				Args: {
					p_client: string;
					p_cwd: string;
					p_input: string;
					p_reason?: string;
					p_request: string;
					p_rules?: string;
					p_seconds?: number;
					p_session: string;
					p_state?: string;
					p_tool: string;
				};
				Returns: {
					answer: string | null;
					asked_at: string;
					attended_at: string | null;
					client: string;
					cwd: string;
					decided_at: string | null;
					decided_by: string | null;
					ended_at: string | null;
					id: number;
					input: string;
					reason: string | null;
					request: string;
					rules: string;
					session: string;
					signature: Json | null;
					state: string;
					tag: string;
					taken_at: string | null;
					tool: string;
					waiting_at: string;
					waits_until: string;
				};
				SetofOptions: {
					from: '*';
					to: 'mux_approvals';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			approval_decide: {
				Args: {p_answer: string; p_id: number; p_signature?: Json};
				Returns: {
					answer: string | null;
					asked_at: string;
					attended_at: string | null;
					client: string;
					cwd: string;
					decided_at: string | null;
					decided_by: string | null;
					ended_at: string | null;
					id: number;
					input: string;
					reason: string | null;
					request: string;
					rules: string;
					session: string;
					signature: Json | null;
					state: string;
					tag: string;
					taken_at: string | null;
					tool: string;
					waiting_at: string;
					waits_until: string;
				};
				SetofOptions: {
					from: '*';
					to: 'mux_approvals';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			approval_end: {
				Args: {p_reason?: string; p_request: string; p_state: string};
				Returns: {
					answer: string | null;
					asked_at: string;
					attended_at: string | null;
					client: string;
					cwd: string;
					decided_at: string | null;
					decided_by: string | null;
					ended_at: string | null;
					id: number;
					input: string;
					reason: string | null;
					request: string;
					rules: string;
					session: string;
					signature: Json | null;
					state: string;
					tag: string;
					taken_at: string | null;
					tool: string;
					waiting_at: string;
					waits_until: string;
				};
				SetofOptions: {
					from: '*';
					to: 'mux_approvals';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			approval_look: {
				Args: {p_request: string};
				Returns: {
					answer: string | null;
					asked_at: string;
					attended_at: string | null;
					client: string;
					cwd: string;
					decided_at: string | null;
					decided_by: string | null;
					ended_at: string | null;
					id: number;
					input: string;
					reason: string | null;
					request: string;
					rules: string;
					session: string;
					signature: Json | null;
					state: string;
					tag: string;
					taken_at: string | null;
					tool: string;
					waiting_at: string;
					waits_until: string;
				};
				SetofOptions: {
					from: '*';
					to: 'mux_approvals';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			approvals_waiting: {
				Args: Record<PropertyKey, never>;
				Returns: {
					answer: string | null;
					asked_at: string;
					attended_at: string | null;
					client: string;
					cwd: string;
					decided_at: string | null;
					decided_by: string | null;
					ended_at: string | null;
					id: number;
					input: string;
					reason: string | null;
					request: string;
					rules: string;
					session: string;
					signature: Json | null;
					state: string;
					tag: string;
					taken_at: string | null;
					tool: string;
					waiting_at: string;
					waits_until: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'mux_approvals';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			channel_messages: {
				Args: {p_after?: number; p_before?: number; p_limit?: number; p_tag: string};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				}[];
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			channel_messages_after: {
				Args: {p_after?: number; p_before?: number; p_limit?: number; p_tag: string};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				}[];
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			channels: {
				Args: Record<PropertyKey, never>;
				Returns: {
					last_id: number;
					tag: string;
				}[];
			};
			events_between: {
				Args: {p_before?: number; p_from: string; p_limit?: number; p_to?: string};
				Returns: {
					approval_id: number | null;
					at: string;
					id: number;
					kind: string;
					progress: number | null;
					reason: string | null;
					state: string;
					tag: string | null;
					task_id: number | null;
				}[];
				SetofOptions: {
					from: '*';
					to: 'events';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			hook_take: {
				Args: {
					p_bytes?: number;
					p_edits?: Json;
					p_ended?: string;
					p_hears?: boolean;
					p_limit?: number;
					p_machine?: string;
					p_route?: string;
					p_session?: string;
					p_stops?: boolean;
					p_take_id?: string;
				};
				Returns: Json;
			};
			inbox: {
				Args: {p_free?: boolean; p_limit?: number; p_reader: string};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				}[];
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			inbox_check: {
				Args: {
					p_bytes?: number;
					p_limit?: number;
					p_named?: number;
					p_open?: boolean;
					p_route?: string;
					p_session?: string;
					p_take_id?: string;
				};
				Returns: Json;
			};
			inbox_take: {
				Args: {
					p_bytes?: number;
					p_ended?: string;
					p_lease?: number;
					p_limit?: number;
					p_route?: string;
					p_session?: string;
					p_take_id?: string;
					p_urgent?: boolean;
				};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				}[];
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			mailbox_state: {
				Args: Record<PropertyKey, never>;
				Returns: {
					epoch: string;
					horizon: string;
					latest_id: number;
					mailbox_id: string;
					settled_at: string;
					settled_id: number;
					settled_xid: string;
				}[];
			};
			message_schedule: {
				Args: {p_client_id?: string; p_content: string; p_due: string; p_meta?: Json; p_reply_to?: number};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					client_id: string;
					content: string;
					due_at: string;
					failed: string | null;
					id: number;
					meta: NonNullable<Json>;
					reply_to: number | null;
					verified: boolean;
					written_at: string;
				};
				SetofOptions: {
					from: '*';
					to: 'mux_scheduled';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			messages_poll: {
				Args: {p_id?: number; p_limit?: number; p_xid?: string};
				Returns: {
					author_kind: string;
					author_tag: string;
					body: string;
					client_id: string;
					content: string;
					created_at: string;
					epoch: string;
					id: number;
					mentions: string[];
					meta: Json;
					reply_to: number;
					settled: boolean;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: string;
				}[];
			};
			messages_since: {
				Args: {p_id?: number; p_limit?: number; p_xid?: string};
				Returns: {
					author_kind: string;
					author_tag: string;
					body: string;
					client_id: string;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: Json;
					reply_to: number;
					settled: boolean;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: string;
				}[];
			};
			mux_guard: {Args: Record<PropertyKey, never>; Returns: undefined};
			mux_make_role: {Args: Record<PropertyKey, never>; Returns: undefined};
			receipt_ack: {Args: {p_ids: number[]; p_route: string}; Returns: number};
			receipt_deliver: {Args: {p_ids: number[]; p_route: string; p_session?: string}; Returns: number};
			receipt_release: {Args: {p_take_id: string; p_unseen?: boolean}; Returns: number};
			receipt_return: {Args: {p_session: string}; Returns: number};
			redact_message: {
				Args: {p_id: number; p_reason?: string; p_signature?: Json};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				};
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			result_rows: {Args: {p_limit?: number; p_table: string}; Returns: Json[]};
			scheduled_cancel: {
				Args: {p_id: number};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					client_id: string;
					content: string;
					due_at: string;
					failed: string | null;
					id: number;
					meta: NonNullable<Json>;
					reply_to: number | null;
					verified: boolean;
					written_at: string;
				};
				SetofOptions: {
					from: '*';
					to: 'mux_scheduled';
					isOneToOne: true;
					isSetofReturn: false;
				};
			};
			seal_history: {
				Args: Record<PropertyKey, never>;
				Returns: {
					epoch: string;
					hash: string;
					more: boolean;
					seq: number;
				}[];
			};
			search_messages: {
				Args: {
					p_after?: string;
					p_before?: string;
					p_before_id?: number;
					p_from?: string[];
					p_has?: string[];
					p_id?: number[];
					p_is?: string[];
					p_limit?: number;
					p_query?: string;
					p_tag?: string[];
					p_thread?: number[];
					p_to?: string[];
					p_words?: string[];
				};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				}[];
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			search_part: {
				Args: {
					p_after?: string;
					p_before?: string;
					p_before_id?: number;
					p_from?: string[];
					p_has?: string[];
					p_id?: number[];
					p_is?: string[];
					p_limit?: number;
					p_milliseconds?: number;
					p_query?: string;
					p_tag?: string[];
					p_thread?: number[];
					p_to?: string[];
					p_words?: string[];
				};
				Returns: Json;
			};
			session_end: {Args: {p_sessions: string[]}; Returns: number};
			sight_set: {Args: {p_session?: string; p_sight: Json}; Returns: undefined};
			sights: {Args: Record<PropertyKey, never>; Returns: Json};
			task_add: {
				Args: {
					p_assignee?: string;
					p_body?: string;
					p_depends_on?: number[];
					p_idem_key?: string;
					p_max_attempts?: number;
					p_message_id?: number;
					p_parent_id?: number;
					p_position?: number;
					p_priority?: number;
					p_queue?: string;
					p_run_at?: string;
					p_title: string;
				};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_assign: {
				Args: {p_assignee?: string; p_id: number};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_attempts: {
				Args: {p_id: number};
				Returns: {
					attempt: number;
					begun_at: string;
					ended_at: string;
					outcome: string;
					owner: string;
					progress: number;
					reason: string;
				}[];
			};
			task_cancel: {
				Args: {p_id: number; p_reason?: string};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_claim: {
				Args: {p_hold?: number; p_id?: number; p_lease?: number; p_queue?: string};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_finish: {
				Args: {
					p_dead?: boolean;
					p_error?: string;
					p_id: number;
					p_ok?: boolean;
					p_result?: Json;
					p_result_table?: string;
					p_token: number;
				};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_heartbeat: {
				Args: {p_id: number; p_lease?: number; p_token: number};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_held: {
				Args: Record<PropertyKey, never>;
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_plan: {
				Args: {
					p_assignee?: string;
					p_body?: string;
					p_depends_on?: number[];
					p_idem_key?: string;
					p_in_order?: boolean;
					p_message_id?: number;
					p_parent_id?: number;
					p_position?: number;
					p_priority?: number;
					p_queue?: string;
					p_steps: Json;
					p_title: string;
				};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_progress: {
				Args: {p_id: number; p_note?: string; p_progress: number; p_token: number};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_reap: {Args: Record<PropertyKey, never>; Returns: number};
			task_renew: {Args: {p_claims?: Json; p_others?: number}; Returns: number[]};
			task_reprioritise: {
				Args: {p_id: number; p_priority: number};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			task_retry: {
				Args: {p_id: number; p_reason?: string};
				Returns: {
					assignee: string | null;
					attempts: number;
					body: string;
					created_at: string;
					created_by: string | null;
					depends_on: number[];
					id: number;
					idem_key: string | null;
					last_error: string | null;
					lease_owner: string | null;
					lease_token: number;
					lease_until: string | null;
					max_attempts: number;
					message_id: number | null;
					note: string | null;
					parent_id: number | null;
					position: number;
					priority: number;
					progress: number;
					queue: string;
					result: Json | null;
					result_table: string | null;
					run_at: string | null;
					status: string;
					title: string;
					updated_at: string;
				}[];
				SetofOptions: {
					from: '*';
					to: 'tasks';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			unwatch_table: {Args: {p_table: string; p_to_tag: string}; Returns: boolean};
			verify_history: {
				Args: {p_after?: number; p_limit?: number};
				Returns: {
					at: string;
					fault: string;
					first_id: number;
					hash: string;
					message_id: number;
					messages: number;
					seq: number;
				}[];
			};
			wake_begin: {
				Args: {p_limit?: number; p_session: string};
				Returns: {
					author_kind: string | null;
					author_tag: string | null;
					body: string;
					client_id: string | null;
					content: string;
					created_at: string;
					id: number;
					mentions: string[];
					meta: NonNullable<Json>;
					reply_to: number | null;
					tag: string;
					thread_id: number;
					verified: boolean;
					xid: unknown;
				}[];
				SetofOptions: {
					from: '*';
					to: 'messages';
					isOneToOne: false;
					isSetofReturn: true;
				};
			};
			watch_table: {
				Args: {
					p_columns?: string[];
					p_on?: string[];
					p_table: string;
					p_to_tag: string;
					p_where?: string;
					p_window?: string;
				};
				Returns: string[];
			};
			watched_tables: {
				Args: Record<PropertyKey, never>;
				Returns: {
					columns: string[];
					condition: string;
					kinds: string[];
					quiet: string;
					table_name: string;
					to_tag: string;
				}[];
			};
		};
		Enums: {
			[_ in never]: never;
		};
		CompositeTypes: {
			[_ in never]: never;
		};
	};
};

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, 'public'>];

export type Tables<
	DefaultSchemaTableNameOrOptions extends
		| keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
		| {schema: keyof DatabaseWithoutInternals},
	TableName extends (DefaultSchemaTableNameOrOptions extends {
		schema: keyof DatabaseWithoutInternals;
	}
		? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
				DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])
		: never) = never,
> = DefaultSchemaTableNameOrOptions extends {schema: keyof DatabaseWithoutInternals}
	? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
			DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])[TableName] extends {
			Row: infer R;
		}
		? R
		: never
	: DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
		? (DefaultSchema['Tables'] & DefaultSchema['Views'])[DefaultSchemaTableNameOrOptions] extends {
				Row: infer R;
			}
			? R
			: never
		: never;

export type TablesInsert<
	DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables'] | {schema: keyof DatabaseWithoutInternals},
	TableName extends (DefaultSchemaTableNameOrOptions extends {
		schema: keyof DatabaseWithoutInternals;
	}
		? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
		: never) = never,
> = DefaultSchemaTableNameOrOptions extends {schema: keyof DatabaseWithoutInternals}
	? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
			Insert: infer I;
		}
		? I
		: never
	: DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
		? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
				Insert: infer I;
			}
			? I
			: never
		: never;

export type TablesUpdate<
	DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables'] | {schema: keyof DatabaseWithoutInternals},
	TableName extends (DefaultSchemaTableNameOrOptions extends {
		schema: keyof DatabaseWithoutInternals;
	}
		? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
		: never) = never,
> = DefaultSchemaTableNameOrOptions extends {schema: keyof DatabaseWithoutInternals}
	? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
			Update: infer U;
		}
		? U
		: never
	: DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
		? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
				Update: infer U;
			}
			? U
			: never
		: never;

export type Enums<
	DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums'] | {schema: keyof DatabaseWithoutInternals},
	EnumName extends (DefaultSchemaEnumNameOrOptions extends {
		schema: keyof DatabaseWithoutInternals;
	}
		? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums']
		: never) = never,
> = DefaultSchemaEnumNameOrOptions extends {schema: keyof DatabaseWithoutInternals}
	? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums'][EnumName]
	: DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums']
		? DefaultSchema['Enums'][DefaultSchemaEnumNameOrOptions]
		: never;

export type CompositeTypes<
	PublicCompositeTypeNameOrOptions extends
		| keyof DefaultSchema['CompositeTypes']
		| {schema: keyof DatabaseWithoutInternals},
	CompositeTypeName extends (PublicCompositeTypeNameOrOptions extends {
		schema: keyof DatabaseWithoutInternals;
	}
		? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes']
		: never) = never,
> = PublicCompositeTypeNameOrOptions extends {schema: keyof DatabaseWithoutInternals}
	? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes'][CompositeTypeName]
	: PublicCompositeTypeNameOrOptions extends keyof DefaultSchema['CompositeTypes']
		? DefaultSchema['CompositeTypes'][PublicCompositeTypeNameOrOptions]
		: never;

export const Constants = {
	public: {
		Enums: {},
	},
} as const;
