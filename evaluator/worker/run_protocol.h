/* The bytes between the evaluator and a worker process that makes calls: fixed-size commands and replies on a Unix
 * stream socket, and the layout of the two shared regions. The worker only answers "call n on buffer set b is made";
 * everything it writes into the regions is a claim that the evaluator bounds and checks.
 * Source: docs/worker_protocol.md, "Run commands"; docs/integrity.md, layers 7 and 8. One machine: host byte order.
 */
#ifndef PASSNET_EVALUATOR_WORKER_RUN_PROTOCOL_H_
#define PASSNET_EVALUATOR_WORKER_RUN_PROTOCOL_H_

#include <stdint.h>

#define PN_RUN_MAGIC 0x31524e50u /* "PNR1" */
#define PN_MAX_DIMS 8
#define PN_MAX_ERROR_BYTES 65536u

enum PnRunKind {
  PN_RUN_FRAME = 0, /* no call: a JSON frame follows, for the Python side */
  PN_RUN_CALL = 1,  /* call the installed function on slots [first, first + count) */
  PN_RUN_NULL = 2,  /* the same with a function that does nothing: what the measuring itself costs */
  PN_RUN_SEED = 3,  /* torch.manual_seed(1024) count times: what upstream's seeding costs */
};

enum PnRunStatus {
  PN_STATUS_OK = 0,
  PN_STATUS_EXCEPTION = 1, /* a u32 length and that many bytes of text follow */
};

typedef struct {
  uint32_t magic;
  uint32_t kind;
  uint32_t first_slot;
  uint32_t count;
  uint64_t nonce; /* echoed; random, so that an answer cannot be prepared */
  uint64_t reserved;
} PnRunCommand;

typedef struct {
  uint64_t nonce;
  uint32_t status;
  uint32_t calls;          /* calls made */
  uint64_t graph_calls;    /* calls of the installed graph since the start; must equal the calls made */
} PnRunReply;

enum PnOutputKind {
  PN_OUTPUT_ABSENT = 0,
  PN_OUTPUT_TENSOR = 1,
  PN_OUTPUT_OTHER = 2,     /* not a tensor */
  PN_OUTPUT_TOO_LARGE = 3, /* a tensor larger than its place; the shape tells */
  PN_OUTPUT_SUBCLASS = 4,  /* a tensor subclass, a non-strided or a non-CPU tensor: never read */
};

/* One output slot of a call: PnSlotHeader, then per output a PnOutputHeader and its data, contiguous, at the offsets
 * that the evaluator chose. */
typedef struct {
  uint32_t outputs; /* how many the call returned */
  uint32_t reserved[15];
} PnSlotHeader;

typedef struct {
  uint32_t kind;
  int32_t scalar_type; /* c10::ScalarType */
  int32_t ndim;
  int32_t aliases_input; /* index of the input whose storage it shares, or -1 */
  int64_t shape[PN_MAX_DIMS];
  int64_t strides[PN_MAX_DIMS];
} PnOutputHeader;

#endif
