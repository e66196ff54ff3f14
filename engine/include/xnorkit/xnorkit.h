/* Runs packed networks (.xnor files, docs/format.md) in C and C++ programs. xnorkit/model.h is the same as a C++ class.
 *
 *     xnorkit_model* model;
 *     if (xnorkit_load("lenet5-mnist.xnor", NULL, &model) != XNORKIT_OK) { puts(xnorkit_error()); return 1; }
 *     uint8_t pixels[28 * 28] = {0};
 *     float logits[10];
 *     if (xnorkit_run(model, XNORKIT_UINT8, pixels, 1, logits) != XNORKIT_OK) puts(xnorkit_error());
 *     xnorkit_free(model);
 *
 * A file is untrusted: a reader checks every rule of docs/format.md, and the cost of the file, before it plans anything.
 * A function that fails leaves *model and *info as they are; after a failed run, the outputs are undefined. Several threads
 * may run one model at the same time.
 */
#ifndef XNORKIT_XNORKIT_H
#define XNORKIT_XNORKIT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define XNORKIT_API
#else
#define XNORKIT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xnorkit_model xnorkit_model;

typedef enum xnorkit_status {
  XNORKIT_OK = 0,
  XNORKIT_FILE_ERROR = 1,     /* cannot be read, breaks a rule of the format, or asks for more than the limits */
  XNORKIT_ARGUMENT_ERROR = 2, /* a null pointer, an unknown instruction set, a NaN in an image, ... */
  XNORKIT_MEMORY_ERROR = 3,   /* not enough memory */
  XNORKIT_INTERNAL_ERROR = 4  /* a defect of this library */
} xnorkit_status;

/* The numbers of an image. */
typedef enum xnorkit_type {
  XNORKIT_FLOAT32 = 0, /* prepared as in training */
  XNORKIT_UINT8 = 1    /* pixels from 0 to 255: rows from top to bottom, channels red, green, blue, or grey */
} xnorkit_type;

/* How a model is loaded. A field of 0 asks for the default, so that {0} asks for all defaults, as NULL does. */
typedef struct xnorkit_options {
  const char* isa; /* instruction set of the kernels; by default that of XNORKIT_ISA, else the fastest of the CPU */
  int threads;     /* of a run, up to 256; by default XNORKIT_THREADS, else the physical cores */
  int64_t height;  /* of the images, where the file's input is dynamic; by default the size that the file states */
  int64_t width;
  /* What the file may ask for (docs/format.md, section 7); by default the limits of that page, -1 for no limit. */
  int64_t max_header;
  int64_t max_nodes;
  int64_t max_padding;
  int64_t max_values;
  int64_t max_plan;
  int64_t max_work;
} xnorkit_options;

/* One image that a model reads, planes of rows: (channels, height, width). */
typedef struct xnorkit_input_info {
  int64_t channels;
  int64_t height;
  int64_t width;
  int takes_floats; /* whether XNORKIT_FLOAT32 is accepted: 1 or 0 */
  int takes_pixels; /* whether XNORKIT_UINT8 is accepted: 1 or 0 */
  int dynamic;      /* whether other heights and widths may be asked for when the file is loaded: 1 or 0 */
} xnorkit_input_info;

/* What a model returns for one image: (channels, height, width) floats; mostly height and width are 1. */
typedef struct xnorkit_output_info {
  int64_t channels;
  int64_t height;
  int64_t width;
  const char* const* classes; /* names of the channels in UTF-8, as long as the model lives; NULL where it has none */
} xnorkit_output_info;

/* The text of the last failure in the calling thread, in UTF-8, until the next failure there; "" before the first. */
XNORKIT_API const char* xnorkit_error(void);

/* The version of this library, such as "0.1.0". */
XNORKIT_API const char* xnorkit_version(void);

/* Reads, checks and plans a file; on success *model is to be freed by xnorkit_free. options may be NULL. */
XNORKIT_API xnorkit_status xnorkit_load(const char* path, const xnorkit_options* options, xnorkit_model** model);

/* The same for the bytes of a file, which are copied: they may be freed afterwards, and need no alignment. */
XNORKIT_API xnorkit_status xnorkit_load_memory(const void* bytes, size_t size, const xnorkit_options* options,
                                               xnorkit_model** model);

/* Describe one image and its result. */
XNORKIT_API xnorkit_status xnorkit_input(const xnorkit_model* model, xnorkit_input_info* info);
XNORKIT_API xnorkit_status xnorkit_output(const xnorkit_model* model, xnorkit_output_info* info);

/* Runs `count` images, (count, channels, height, width) numbers of `type`, and writes
 * (count, channels, height, width) floats, with the sizes of xnorkit_input and xnorkit_output. */
XNORKIT_API xnorkit_status xnorkit_run(const xnorkit_model* model, xnorkit_type type, const void* images, size_t count,
                                       float* outputs);

/* Frees a model; NULL is ignored. */
XNORKIT_API void xnorkit_free(xnorkit_model* model);

#ifdef __cplusplus
}
#endif

#endif
