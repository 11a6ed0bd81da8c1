/* Decode the packets a plan names, with libavcodec and nothing else: no demuxing, no colours, one thread.
 *
 *     minimal_decode VIDEO EXTRADATA CODEC < PLAN
 *
 * A line of the plan is "position size wanted", or "end" after the last packet of a group. Prints wall and processor
 * milliseconds, from the decoder's making to its last frame, and how many frames came out. */
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int drain(AVCodecContext *context, AVFrame *frame) {
    int count = 0;
    while (avcodec_receive_frame(context, frame) >= 0) {
        count++;
        av_frame_unref(frame);
    }
    return count;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    static struct { long long position; int size, wanted; } plan[1 << 20];
    int steps = 0, frames = 0;
    char line[128];
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "end", 3)) plan[steps++].size = 0;
        else if (sscanf(line, "%lld %d %d", &plan[steps].position, &plan[steps].size, &plan[steps].wanted) == 3) steps++;
    }
    int video = open(argv[1], O_RDONLY), extra = open(argv[2], O_RDONLY);
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder_by_name(argv[3]));
    context->extradata = av_mallocz((1 << 16) + AV_INPUT_BUFFER_PADDING_SIZE);
    context->extradata_size = read(extra, context->extradata, 1 << 16);
    context->thread_count = 1;
    if (avcodec_open2(context, NULL, NULL) < 0) return 3;
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    for (int i = 0; i < steps; i++) {
        if (!plan[i].size) {
            avcodec_send_packet(context, NULL);
            frames += drain(context, frame);
            avcodec_flush_buffers(context);
            continue;
        }
        av_new_packet(packet, plan[i].size);
        if (pread(video, packet->data, plan[i].size, plan[i].position) != plan[i].size) return 4;
        context->skip_frame = plan[i].wanted ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
        avcodec_send_packet(context, packet);
        av_packet_unref(packet);
        frames += drain(context, frame);
    }
    printf("%f %f %d\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu, frames);
    return 0;
}
