// The part of Spark Connect's protocol that we speak (package spark.connect). Names and numbers are the protocol's; fields that
// nobody here needs are left out, on the wire they are passed over.
import { KEY_VALUE, PLAN } from './plans.ts';
import { bytes, flag, inner, type Message, many, type Shape, text, whole } from './protobuf.ts';

const EMPTY = {} as const satisfies Shape;

const USER_CONTEXT = { user_id: text(1), user_name: text(2) } as const satisfies Shape;

const REATTACH_OPTIONS = { reattachable: flag(1) } as const satisfies Shape;
const REQUEST_OPTION = { reattach_options: inner(1, () => REATTACH_OPTIONS) } as const satisfies Shape;

export const EXECUTE_PLAN_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  plan: inner(3, () => PLAN),
  client_type: text(4),
  request_options: many(inner(5, () => REQUEST_OPTION)),
  operation_id: text(6),
  client_observed_server_side_session_id: text(8),
} as const satisfies Shape;

const ARROW_BATCH = { row_count: whole(1), data: bytes(2), start_offset: whole(3) } as const satisfies Shape;
const SQL_COMMAND_RESULT = { relation: bytes(1) } as const satisfies Shape;

const STAGE = {
  stage_id: whole(1),
  num_tasks: whole(2),
  num_completed_tasks: whole(3),
  input_bytes_read: whole(4),
  done: flag(5),
} as const satisfies Shape;
const PROGRESS = { stages: many(inner(1, () => STAGE)), num_inflight_tasks: whole(2) } as const satisfies Shape;

export type ExecutionProgress = Message<typeof PROGRESS>;

export const EXECUTE_PLAN_RESPONSE = {
  session_id: text(1),
  arrow_batch: inner(2, () => ARROW_BATCH),
  sql_command_result: inner(5, () => SQL_COMMAND_RESULT),
  schema: bytes(7),
  operation_id: text(12),
  response_id: text(13),
  result_complete: inner(14, () => EMPTY),
  server_side_session_id: text(15),
  execution_progress: inner(18, () => PROGRESS),
} as const satisfies Shape;

export type ExecutePlanResponse = Message<typeof EXECUTE_PLAN_RESPONSE>;

export const REATTACH_EXECUTE_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  operation_id: text(3),
  client_type: text(4),
  last_response_id: text(5),
  client_observed_server_side_session_id: text(6),
} as const satisfies Shape;

const RELEASE_UNTIL = { response_id: text(1) } as const satisfies Shape;

export const RELEASE_EXECUTE_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  operation_id: text(3),
  client_type: text(4),
  release_all: inner(5, () => EMPTY),
  release_until: inner(6, () => RELEASE_UNTIL),
  client_observed_server_side_session_id: text(7),
} as const satisfies Shape;

/** Of an answer only what every answer has. */
export const ANY_RESPONSE = {} as const satisfies Shape;

export const INTERRUPT_OPERATION = 3;

export const INTERRUPT_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  client_type: text(3),
  interrupt_type: whole(4),
  operation_id: text(6),
  client_observed_server_side_session_id: text(7),
} as const satisfies Shape;

export const RELEASE_SESSION_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  client_type: text(3),
} as const satisfies Shape;

const PAIRS = { pairs: many(inner(1, () => KEY_VALUE)) } as const satisfies Shape;
const KEYS = { keys: many(text(1)) } as const satisfies Shape;
const CONFIG_OPERATION = {
  set: inner(1, () => PAIRS),
  get_option: inner(4, () => KEYS),
} as const satisfies Shape;

export const CONFIG_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  operation: inner(3, () => CONFIG_OPERATION),
  client_type: text(4),
  client_observed_server_side_session_id: text(8),
} as const satisfies Shape;

export const CONFIG_RESPONSE = { pairs: many(inner(2, () => KEY_VALUE)) } as const satisfies Shape;

const OF_PLAN = { plan: inner(1, () => PLAN) } as const satisfies Shape;
const EXPLAIN = { plan: inner(1, () => PLAN), explain_mode: whole(2) } as const satisfies Shape;

export const EXPLAIN_FORMATTED = 5;

export const ANALYZE_PLAN_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  client_type: text(3),
  schema: inner(4, () => OF_PLAN),
  explain: inner(5, () => EXPLAIN),
  spark_version: inner(10, () => EMPTY),
  client_observed_server_side_session_id: text(17),
} as const satisfies Shape;

const SCHEMA_RESULT = { schema: bytes(1) } as const satisfies Shape;
const EXPLAIN_RESULT = { explain_string: text(1) } as const satisfies Shape;
const VERSION_RESULT = { version: text(1) } as const satisfies Shape;

export const ANALYZE_PLAN_RESPONSE = {
  session_id: text(1),
  schema: inner(2, () => SCHEMA_RESULT),
  explain: inner(3, () => EXPLAIN_RESULT),
  spark_version: inner(8, () => VERSION_RESULT),
  server_side_session_id: text(15),
} as const satisfies Shape;

export const FETCH_ERROR_DETAILS_REQUEST = {
  session_id: text(1),
  user_context: inner(2, () => USER_CONTEXT),
  error_id: text(3),
  client_type: text(4),
  client_observed_server_side_session_id: text(5),
} as const satisfies Shape;

const QUERY_CONTEXT = {
  object_name: text(2),
  start_index: whole(3),
  fragment: text(5),
  context_type: whole(10),
} as const satisfies Shape;
const SPARK_THROWABLE = {
  error_class: text(1),
  query_contexts: many(inner(3, () => QUERY_CONTEXT)),
  sql_state: text(4),
} as const satisfies Shape;
const SPARK_ERROR = {
  error_type_hierarchy: many(text(1)),
  message: text(2),
  cause_idx: whole(4),
  spark_throwable: inner(5, () => SPARK_THROWABLE),
} as const satisfies Shape;

export const FETCH_ERROR_DETAILS_RESPONSE = {
  root_error_idx: whole(1),
  errors: many(inner(2, () => SPARK_ERROR)),
} as const satisfies Shape;

export type SparkError = Message<typeof SPARK_ERROR>;

// What gRPC adds to a failed call: google.rpc.Status, and in it google.rpc.ErrorInfo.
const ANY = { type_url: text(1), value: bytes(2) } as const satisfies Shape;
export const RPC_STATUS = {
  code: whole(1),
  message: text(2),
  details: many(inner(3, () => ANY)),
} as const satisfies Shape;
export const ERROR_INFO = { reason: text(1), metadata: many(inner(3, () => KEY_VALUE)) } as const satisfies Shape;
