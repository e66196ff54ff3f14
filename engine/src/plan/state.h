// What a program is made of while it is built, and once it is planned. Program::add, in build/, checks its arguments and
// adds a value.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "contract/kernels.h"
#include "layout/images.h"
#include "spec/operations.h"
#include "steps/step.h"
#include "threads/buffers.h"
#include "xnorkit/program.h"

namespace xnorkit {

// monostate is the input.
using Operation =
    std::variant<std::monostate, FloatConvSpec, Int8ConvSpec, BinaryWeightConvSpec, QuantizeSpec, BinaryConvSpec,
                 PackSpec, MaxPoolBitsSpec, PointwiseChainSpec, PoolSpec, PooledConvSpec, KMapSpec, ActivationSpec,
                 PadSpec, PadBitsSpec, ConcatSpec, GatherChannelsSpec, PlanesSpec>;

// A value as it was added: the operation that makes it, and the values that this reads.
struct Value {
  Shape shape;
  std::vector<int> sources;
  const char* op;  // the operation's name
  Operation operation;
};

// One step of the plan: the values that it reads and writes, in the order of its operands.
struct PlannedStep {
  std::unique_ptr<Step> step;
  std::vector<int> sources;
  std::vector<int> results;      // -1: the step does not write it
  std::vector<int> members;      // the values whose operations it computes
  std::vector<int> replaceable;  // sources whose memory result 0 may take over
  double macs;                   // multiply-adds of one image, padded taps not counted
  size_t scratch = 0;            // where its scratch begins in the arena, per image
};

struct ProgramState {
  ProgramState(const KernelTable& chosen, InputKind kind) : kernels(chosen), isa(chosen.name), input(kind) {}

  const KernelTable& kernels;
  std::string isa;
  InputKind input;
  Normalization normalization;
  std::vector<Value> values;

  bool finished = false;
  std::vector<int> outputs;
  std::vector<int> output_index;  // per value: its place in outputs, or -1
  std::vector<PlannedStep> plan;
  std::vector<size_t> offset;  // per value: bytes from the start of the arena, per image
  int images_step = -1;        // the step that reads the images itself, or -1: value 0 is made first
  size_t arena_bytes = 0;
  int64_t chunk = 1;
  mutable Buffers arenas;

  void require_building(const std::string& what) const;

  const Shape& value(const std::string& what, int id) const;

  // The shape of an operation's source, of the required kind.
  const Shape& source(const std::string& what, int id, Kind kind) const;

  // Makes the steps that the outputs need, and places their values in memory.
  void make_plan(bool fuse);
  void choose_images_step();
  void place_values();

  // Whether value 0 is computed, as the first step of a run.
  bool makes_input() const { return !in_place(input) && images_step < 0; }

  // Refuses a number of threads, and an input of bits or floats that is no valid value.
  void check_run(const Input& images, int64_t count, int threads) const;

  // Runs all images, chunk by chunk; `times`, where given, gets the seconds of reading the input, then of each step.
  void run(const Input& images, int64_t count, void* const* results, int threads, double* times) const;

  // Runs images [first, first + count) of the input.
  void run_chunk(const Input& images, int64_t first, int64_t count, std::byte* arena, void* const* results, int threads,
                 double* times) const;
};

}  // namespace xnorkit
