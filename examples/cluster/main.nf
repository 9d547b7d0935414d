// A process a share, then one that joins and checks. Run: nextflow run main.nf (with-apptainer surrogates.sif)
params.shares = 8
params.run = 'particle-events -n 1000000 --energy 91.2GeV --seed 1 --part-size 65536'

process share {
    cpus 1
    memory 1500.MB
    errorStrategy { task.exitStatus in [137, 138, 143] ? 'retry' : 'terminate' }
    maxRetries 3

    input:
    val i

    output:
    path "share-${i}"

    script:
    "surrogates generate ${params.run} --shard ${i}/${params.shares} --workers ${task.cpus} --resume -o share-${i}/"
}

process gathered {
    publishDir '.', mode: 'move'

    input:
    path shares

    output:
    path 'events'

    script:
    "surrogates merge ${shares} events/ && surrogates verify events/"
}

workflow {
    Channel.of(1..params.shares) | share | collect | gathered
}
