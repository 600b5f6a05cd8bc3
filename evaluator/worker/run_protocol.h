/* The bytes between the evaluator and a worker process that makes calls: fixed-size commands and replies on a Unix
 * stream socket, and the headers in which it tells where its outputs lie. The worker only answers "the calls on these
 * slots are made"; everything it writes is a claim that the evaluator bounds and checks.
 * Source: docs/worker_protocol.md, "Run commands"; docs/measuring.md. One machine: host byte order.
 */
#ifndef PASSNET_EVALUATOR_WORKER_RUN_PROTOCOL_H_
#define PASSNET_EVALUATOR_WORKER_RUN_PROTOCOL_H_

#include <stdint.h>

#define PN_RUN_MAGIC 0x31524e50u /* "PNR1" */
#define PN_MAX_DIMS 8
#define PN_MAX_ERROR_BYTES 65536u

/* On a CUDA lane the descriptors of a seat (headers, inputs, arena) that came with a process's first frame lie at these
 * numbers while its plan is applied, which must keep them: what stands behind them can only be mapped once the device may be
 * opened. The process closes them before it says that it is jailed. */
#define PN_SEAT_FD 4
#define PN_SEAT_FDS 3

enum PnRunKind {
  PN_RUN_FRAME = 0, /* no call: a JSON frame follows, for the Python side */
  PN_RUN_CALL = 1,  /* call the installed function on slots [first, first + count); the outputs of the last such command
                       are dropped first, those of this one live until the next. A count of 0 drops nothing: what
                       starting and answering cost */
  PN_RUN_SEED = 2,  /* torch.manual_seed(1024) count times: what upstream's seeding costs */
  PN_RUN_TELL = 3,  /* no call: answered by a frame that says what the last census saw */
};

/* What the witness is asked to do beside the calls; nothing in every process that is timed. */
enum PnObserve {
  PN_OBSERVE_NOTHING = 0,
  PN_OBSERVE_CENSUS = 1, /* note what the candidate's function dispatches and launches */
  PN_OBSERVE_GHOST = 2,  /* leave its kernels out and overwrite what they would have written */
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
  uint32_t observe; /* PnObserve */
  uint32_t reserved;
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
  PN_OUTPUT_OTHER = 2, /* not a tensor */
  PN_OUTPUT_ODD = 3,   /* a tensor subclass, a non-strided tensor or one of another device, a lazy conjugate or negative, or
                          more than PN_MAX_DIMS dimensions: never read */
};

/* One output slot of a call: PnSlotHeader, then a PnOutputHeader an output. The data stays in the worker's memory. */
typedef struct {
  uint32_t outputs; /* how many the call returned */
  uint32_t reserved[15];
} PnSlotHeader;

typedef struct {
  uint32_t kind;
  int32_t scalar_type; /* c10::ScalarType */
  int32_t ndim;
  uint32_t reserved;
  uint64_t data; /* address of the first element in the worker's memory; of device memory as the attach fields tell it */
  int64_t shape[PN_MAX_DIMS];
  int64_t strides[PN_MAX_DIMS]; /* in elements */
} PnOutputHeader;

#endif
