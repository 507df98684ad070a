#!/usr/bin/env bash
# Installs what the course needs. torch comes with gigabytes for graphics cards, unless it is installed first for the
# processor alone: https://pytorch.org/get-started/locally/ has the line to put here.
set -e
apt-get update && apt-get install -y python3.11-venv || apt-get install -y python3-venv
"$(command -v python3.11 || command -v python3)" -m venv /autograder/venv
/autograder/venv/bin/pip install -r /autograder/source/requirements.txt
