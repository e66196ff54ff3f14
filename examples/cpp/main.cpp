// Classifies a PGM picture of a digit: classify lenet5-mnist.xnor digit.pgm
#include <xnorkit/model.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("pass a model and a picture: classify MODEL.xnor PICTURE.pgm.");
  const xnorkit::Model model(argv[1]);
  const xnorkit_input_info input = model.input();

  // A binary PGM of 8 bits: "P5 width height 255", one white-space character, the pixels row by row.
  std::ifstream file(argv[2], std::ios::binary);
  std::string magic;
  int64_t width = 0, height = 0, most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  if (magic != "P5" || most != 255 || input.channels != 1 || width != input.width || height != input.height) {
    throw std::runtime_error("the picture is not a binary PGM of 8 bits and of the model's size, but it must be.");
  }
  std::vector<uint8_t> pixels(static_cast<size_t>(width * height));
  if (!file.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()))) {
    throw std::runtime_error("the picture ends early, but it must hold width x height pixels.");
  }

  const std::vector<float> logits = model.run(pixels);
  const auto best = std::max_element(logits.begin(), logits.end());
  const std::string name = model.classes().at(static_cast<size_t>(best - logits.begin()));
  std::printf("%s (logit %.9g)\n", name.c_str(), *best);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
